//! Vectors from a fixed seed: classes around centres that lie in few dimensions, cut at 0 as pooled features are.

/// SplitMix64 (Steele, Lea and Flood 2014).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// Nearly normal: the sum of four numbers of 16 bits, scaled to variance 1.
    pub(crate) fn normal(&mut self) -> f32 {
        let bits = self.next();
        let sum: f32 = (0..4).map(|i| (bits >> (16 * i)) as u16 as f32 / 65_536.0).sum();
        (sum - 2.0) * 3.0f32.sqrt()
    }

    fn normals(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.normal()).collect()
    }
}

/// Dimensions in which the classes lie.
const INNER: usize = 48;

/// What the vectors are like.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) dims: usize,
    pub(crate) classes: usize,
    /// How far a class reaches; its centres lie at a distance of about 1.
    pub(crate) spread: f32,
}

/// `count` unit vectors one after the other, and the class of each.
pub(crate) fn vectors(count: usize, Shape { dims, classes, spread }: Shape) -> (Vec<f32>, Vec<usize>) {
    let mut random = Random(1);
    let weights: Vec<f32> = random.normals(INNER * dims).iter().map(|x| x / (INNER as f32).sqrt()).collect();
    let centres = random.normals(classes * INNER);
    let labels: Vec<usize> = (0..count).map(|_| (random.next() % classes as u64) as usize).collect();
    let mut values = Vec::with_capacity(count * dims);
    for &class in &labels {
        let inner: Vec<f32> = centres[class * INNER..][..INNER].iter().map(|c| c + spread * random.normal()).collect();
        let mut row: Vec<f32> = (0..dims).map(|_| 0.3 * random.normal()).collect();
        for (weights, x) in weights.chunks_exact(dims).zip(&inner) {
            row.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += x * weight);
        }
        row.iter_mut().for_each(|x| *x = (*x - 0.1).max(0.0));
        let norm = row.iter().map(|x| x * x).sum::<f32>().sqrt();
        values.extend(row.iter().map(|x| x / norm));
    }
    (values, labels)
}

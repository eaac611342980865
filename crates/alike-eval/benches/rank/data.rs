//! Sets made from a fixed seed: classes around centres that lie in few dimensions, cut at 0 as pooled features are.

use alike_eval::rank::Rows;
use alike_eval::truth::Truth;

/// A gallery, queries, and which class is which.
pub(crate) struct Set {
    pub(crate) name: &'static str,
    pub(crate) dims: usize,
    pub(crate) gallery: Vec<f32>,
    pub(crate) queries: Vec<f32>,
    pub(crate) truth: Truth,
}

impl Set {
    pub(crate) fn rows(&self) -> (Rows<'_>, Rows<'_>) {
        let rows = |values| Rows::Vectors { dims: self.dims, values };
        (rows(&self.gallery), rows(&self.queries))
    }
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// Nearly normal: the sum of four numbers of 16 bits, scaled to variance 1.
    fn normal(&mut self) -> f32 {
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

/// Unit vectors of so many classes.
pub(crate) fn vectors(name: &'static str, (gallery, queries): (usize, usize), dims: usize, classes: usize) -> Set {
    let mut random = Random(1);
    let spread = random.normals(INNER * dims);
    let centres = random.normals(classes * INNER);
    let mut labels = Vec::with_capacity(gallery + queries);
    let mut values = Vec::with_capacity((gallery + queries) * dims);
    for _ in 0..gallery + queries {
        let class = (random.next() % classes as u64) as usize;
        labels.push(class);
        let inner: Vec<f32> = centres[class * INNER..][..INNER].iter().map(|c| c + 0.7 * random.normal()).collect();
        let mut row: Vec<f32> = (0..dims).map(|_| 0.3 * random.normal()).collect();
        for (weights, x) in spread.chunks_exact(dims).zip(&inner) {
            let x = x / (INNER as f32).sqrt();
            row.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += x * weight);
        }
        row.iter_mut().for_each(|x| *x = (*x - 0.1).max(0.0));
        let norm = row.iter().map(|x| x * x).sum::<f32>().sqrt();
        values.extend(row.iter().map(|x| x / norm));
    }
    let mut sets = vec![Vec::new(); classes];
    for (picture, &class) in labels[..gallery].iter().enumerate() {
        sets[class].push(picture as u32);
    }
    let queries_from = values.split_off(gallery * dims);
    let truth = Truth { sets, set_of_query: labels[gallery..].to_vec(), ignored: vec![Vec::new(); queries] };
    Set { name, dims, gallery: values, queries: queries_from, truth }
}

/// A bit for each number: whether it is above 0.
pub(crate) fn signs(values: &[f32], dims: usize) -> Vec<u64> {
    let word = |numbers: &[f32]| numbers.iter().rev().fold(0, |word, &x| word << 1 | u64::from(x > 0.0));
    values.chunks_exact(dims).flat_map(|row| row.chunks(64).map(word)).collect()
}

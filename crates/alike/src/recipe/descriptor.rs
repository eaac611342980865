//! What comes out of a recipe, and how two of them compare.

/// What stands for a picture under one recipe.
#[derive(Debug, Clone, PartialEq)]
pub enum Descriptor {
    /// Unit length, compared by dot product, which is the cosine.
    Vector(Vec<f32>),
    /// Compared by Hamming distance; bit `i` is bit `i % 64` of word `i / 64`, unused bits are 0.
    Code(Vec<u64>),
}

impl Descriptor {
    /// The numbers of a vector; `None` for a code.
    pub fn vector(&self) -> Option<&[f32]> {
        if let Self::Vector(values) = self { Some(values) } else { None }
    }

    /// What looks like some pictures and unlike others: the mean of the vectors `like`, less that of `unlike`, at unit
    /// length (Rocchio, Relevance Feedback in Information Retrieval, 1971, with equal weights). `None` for codes, for
    /// vectors of different lengths, for no vectors, and where nothing but zeros is left.
    pub fn blend(like: &[Self], unlike: &[Self]) -> Option<Self> {
        let dims = like.first().or(unlike.first())?.vector()?.len();
        let mut sum = vec![0.0_f64; dims];
        for (descriptors, sign) in [(like, 1.0), (unlike, -1.0)] {
            for descriptor in descriptors {
                let values = descriptor.vector().filter(|values| values.len() == dims)?;
                let weight = sign / descriptors.len() as f64;
                sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += weight * f64::from(*value));
            }
        }
        let length = sum.iter().map(|value| value * value).sum::<f64>().sqrt();
        let unit = |value: f64| (value / length) as f32;
        // What cancels out leaves rounding errors, which mean nothing.
        (length > 1e-6).then(|| Self::Vector(sum.into_iter().map(unit).collect()))
    }
}

/// What a recipe gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DescriptorKind {
    /// Number of dimensions.
    Vector(usize),
    /// Number of bits.
    Code(usize),
}

impl DescriptorKind {
    /// How alike two descriptors of this kind are: the cosine in -1..=1 for vectors, 1 - distance/bits in 0..=1 for
    /// codes. `None` if either is of another kind or length. The sum runs in f64 and in index order, so that every
    /// machine gives the same number.
    pub fn score(self, a: &Descriptor, b: &Descriptor) -> Option<f32> {
        match (self, a, b) {
            (Self::Vector(dims), Descriptor::Vector(a), Descriptor::Vector(b)) => {
                let fits = a.len() == dims && b.len() == dims;
                fits.then(|| a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>() as f32)
            }
            (Self::Code(bits), Descriptor::Code(a), Descriptor::Code(b)) => {
                let words = bits.div_ceil(64);
                let fits = bits > 0 && a.len() == words && b.len() == words;
                fits.then(|| (1.0 - f64::from(hamming(a, b)) / bits as f64) as f32)
            }
            _ => None,
        }
    }
}

/// Number of bits in which two codes of equal length differ.
fn hamming(a: &[u64], b: &[u64]) -> u32 {
    a.iter().zip(b).map(|(x, y)| (x ^ y).count_ones()).sum()
}

//! Where the relevant pictures of a query stand among all others.

use super::Ties;
use super::groups::Groups;
use pulp::{Arch, Simd, WithSimd};

/// Counts how many of the others stand between which relevant ones, whose scores are known before.
///
/// Scores become keys of 32 bits, in the same order. A key's upper half is its bucket: it says how many relevant
/// pictures are certainly below, and a comparison with the keys of the next few says the rest, unless one is equal.
/// All of it is small, because every other picture looks at places that nobody can predict.
pub(super) struct Standing {
    ties: Ties,
    /// Exact scores of the relevant pictures, from the last in the ranking to the first.
    scores: Vec<f64>,
    /// The pictures that have them.
    pictures: Vec<u32>,
    scale: Scale,
    /// For each bucket the place in `gaps` of its first relevant picture, or else of the next one. One more ends the
    /// list.
    buckets: Vec<u32>,
    /// [`BELOW`] for what is below all, one for each relevant picture, and [`NEXT`] for what is above all.
    gaps: Vec<Gap>,
    /// Keys of the others that wait, and room for more.
    keys: Vec<u32>,
    /// Which pictures have them.
    others: Vec<u32>,
    /// How many wait.
    waiting: usize,
    /// Pictures that came.
    seen: u32,
    /// `tied[i]`: others whose score is that of relevant picture `i`, the first in `scores` that has it.
    tied: Vec<u32>,
}

/// What is below a relevant picture, and above the one before it.
#[derive(Clone, Copy)]
struct Gap {
    /// Key of the relevant picture.
    key: u32,
    /// Others.
    count: u32,
}

/// So many keys are compared with each other one, without a look at whether they are in its bucket: those of higher
/// buckets are higher.
const NEXT: usize = 3;
/// Buckets for what is below all. That is often most of the gallery, and is left out before anything is counted.
const BELOW: usize = 1;
/// The lowest key of a relevant picture.
const LOWEST: u32 = (BELOW as u32) << 16;
/// The more buckets, the fewer keys in each, and the more memory.
const BUCKETS_PER_PICTURE: usize = 2;
/// Buckets are at most so many, so that keys have 32 bits.
const MOST_BUCKETS: usize = 60_000;

/// So many pictures for each relevant one wait before they are counted together, so that most of the places they look
/// at are in the cache.
const WAITING_PER_PICTURE: usize = 1;
const MOST_WAITING: usize = 1 << 15;

/// What [`Standing::count`] needs for a while.
#[derive(Default)]
pub(super) struct Scratch {
    unsure: Vec<u32>,
    keys: Vec<u32>,
}

impl Standing {
    /// About how many bytes one takes.
    pub(super) fn bytes(relevant: usize) -> usize {
        let waiting = (relevant * WAITING_PER_PICTURE).min(MOST_WAITING);
        relevant * (size_of::<(f64, u32)>() + size_of::<Gap>() + 4) + (relevant * BUCKETS_PER_PICTURE + 2 * waiting) * 4
    }

    /// Of exact scores and the relevant pictures that have them.
    pub(super) fn new(relevant: &[(f64, u32)], ties: Ties) -> Self {
        let scale = Scale::new(relevant);
        let (sorted, buckets) = sort(relevant, scale);
        let mut gaps = vec![Gap { key: u32::MAX, count: 0 }; BELOW + sorted.len() + NEXT + 1];
        for (gap, &(score, _)) in gaps[BELOW..].iter_mut().zip(&sorted) {
            gap.key = scale.key(score);
        }
        Self {
            ties,
            scores: sorted.iter().map(|&(score, _)| score).collect(),
            pictures: sorted.iter().map(|&(_, picture)| picture).collect(),
            scale,
            buckets,
            gaps,
            keys: Vec::new(),
            others: Vec::new(),
            waiting: 0,
            seen: 0,
            tied: vec![0; sorted.len()],
        }
    }

    /// Counts pictures, which come after all that were counted before. Those that aren't among the others have a score
    /// below all. `exact` gives the scores of pictures once more.
    pub(super) fn count(
        &mut self,
        arch: Arch,
        scores: &[f64],
        scratch: &mut Scratch,
        exact: impl Fn(&[u32]) -> Vec<f64>,
    ) {
        if self.scores.is_empty() {
            return;
        }
        if self.waiting + scores.len() > self.keys.len() {
            self.count_waiting(scratch, &exact);
            let wait = (self.scores.len() * WAITING_PER_PICTURE).min(MOST_WAITING);
            self.keys.resize(scores.len().max(wait), 0);
            self.others.resize(scores.len().max(wait), 0);
        }
        scratch.keys.resize(scores.len(), 0);
        arch.dispatch(Keys { scale: self.scale, scores, keys: &mut scratch.keys });
        let (keys, others) = (&mut self.keys[self.waiting..], &mut self.others[self.waiting..]);
        let mut kept = 0;
        // Without a branch: what is below all is overwritten by the next.
        for (picture, &key) in (self.seen..).zip(&scratch.keys) {
            (keys[kept], others[kept]) = (key, picture);
            kept += usize::from(key >= LOWEST);
        }
        self.waiting += kept;
        self.seen += scores.len() as u32;
    }

    fn count_waiting(&mut self, scratch: &mut Scratch, exact: impl Fn(&[u32]) -> Vec<f64>) {
        scratch.unsure.clear();
        for (i, &key) in self.keys[..self.waiting].iter().enumerate() {
            let start = self.buckets[(key >> 16) as usize] as usize;
            let Some(next) = self.gaps[start..].first_chunk_mut::<{ NEXT + 1 }>() else {
                unreachable!("as many gaps follow the last picture's");
            };
            // Without branches, because nobody can predict them; but for one that is next to never taken.
            let below: usize = next[..NEXT].iter().map(|gap| usize::from(gap.key < key)).sum();
            let gap = &mut next[below];
            if (below == NEXT) | (gap.key == key) {
                scratch.unsure.push(i as u32);
            } else {
                gap.count += 1;
            }
        }
        // Of those, keep the ones that have the key of a relevant picture: only scores can tell them apart.
        scratch.unsure.retain_mut(|i| {
            let key = self.keys[*i as usize];
            let place = self.place(key);
            let gap = &mut self.gaps[place];
            gap.count += u32::from(gap.key != key);
            let is_equal = gap.key == key;
            *i = self.others[*i as usize];
            is_equal
        });
        if !scratch.unsure.is_empty() {
            for (&picture, score) in scratch.unsure.iter().zip(exact(&scratch.unsure)) {
                self.compare(picture, score);
            }
        }
        self.waiting = 0;
    }

    /// The place in `gaps` of the first relevant picture whose key isn't below this one.
    fn place(&self, key: u32) -> usize {
        let bucket = (key >> 16) as usize;
        let (start, end) = (self.buckets[bucket] as usize, self.buckets[bucket + 1] as usize);
        start + self.gaps[start..end].partition_point(|gap| gap.key < key)
    }

    /// Counts a picture that has the key of a relevant one.
    fn compare(&mut self, picture: u32, score: f64) {
        let start = self.place(self.scale.key(score)) - BELOW;
        let mut below = start + self.scores[start..].partition_point(|&relevant| relevant < score);
        if below < self.scores.len() && self.scores[below] == score {
            if self.ties == Ties::Group {
                self.tied[below] += 1;
                return;
            }
            let equal = self.scores[below..].partition_point(|&relevant| relevant == score);
            below += self.pictures[below..below + equal].partition_point(|&relevant| relevant > picture);
        }
        self.gaps[BELOW + below].count += 1;
    }

    /// The whole ranking of `gallery` pictures.
    pub(super) fn finish(mut self, gallery: u32, scratch: &mut Scratch, exact: impl Fn(&[u32]) -> Vec<f64>) -> Groups {
        self.count_waiting(scratch, exact);
        let mut groups = Groups::default();
        let mut left = gallery;
        let mut end = self.scores.len();
        while end > 0 {
            let between = self.gaps[BELOW + end].count;
            groups.push(0, between);
            let equal = |&&score: &&f64| score == self.scores[end - 1];
            let count = match self.ties {
                Ties::Group => self.scores[..end].iter().rev().take_while(equal).count(),
                Ties::Index => 1,
            };
            let tied = self.tied[end - count];
            groups.push(count as u32, tied);
            left -= between + count as u32 + tied;
            end -= count;
        }
        groups.push(0, left);
        groups
    }
}

/// Relevant pictures from the last in the ranking to the first, and for each bucket of them the place of its [`Gap`].
fn sort(relevant: &[(f64, u32)], scale: Scale) -> (Vec<(f64, u32)>, Vec<u32>) {
    let bucket = |score: f64| (scale.key(score) >> 16) as usize;
    // First the number of pictures in the bucket two below, then where the bucket below begins, in the end where the
    // bucket begins.
    let mut buckets = vec![0u32; scale.buckets() + 2];
    for &(score, _) in relevant {
        buckets[bucket(score) + 2] += 1;
    }
    let most = buckets.iter().copied().max().unwrap_or(0);
    let mut start = BELOW as u32;
    for bucket in &mut buckets {
        start += *bucket;
        *bucket = start;
    }
    let mut sorted = vec![(0.0, 0); relevant.len()];
    for &picture in relevant {
        let place = &mut buckets[bucket(picture.0) + 1];
        sorted[*place as usize - BELOW] = picture;
        *place += 1;
    }
    buckets.pop();
    for (i, bucket) in buckets[..BELOW].iter_mut().enumerate() {
        *bucket = i as u32;
    }
    if most > 16 {
        sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
    } else {
        // No picture is far from its place.
        for i in 1..sorted.len() {
            let mut place = i;
            while place > 0 && is_behind(sorted[place], sorted[place - 1]) {
                sorted.swap(place, place - 1);
                place -= 1;
            }
        }
    }
    (sorted, buckets)
}

/// Whether picture `a` is ranked after `b`.
fn is_behind(a: (f64, u32), b: (f64, u32)) -> bool {
    a.0 < b.0 || (a.0 == b.0 && a.1 > b.1)
}

/// How scores become keys: the higher the score, the higher the key, or the same. Keys below [`LOWEST`] are for what is
/// below all relevant pictures.
#[derive(Clone, Copy)]
struct Scale {
    lowest: f64,
    keys_per_score: f64,
    /// The highest key.
    last: f64,
}

/// Keys in a bucket.
const KEYS: f64 = 65_536.0;

impl Scale {
    fn new(relevant: &[(f64, u32)]) -> Self {
        let lowest = relevant.iter().map(|&(score, _)| score).fold(f64::INFINITY, f64::min);
        let highest = relevant.iter().map(|&(score, _)| score).fold(f64::NEG_INFINITY, f64::max);
        let buckets = (relevant.len() * BUCKETS_PER_PICTURE + 64).min(MOST_BUCKETS) as f64;
        let keys_per_score = buckets * KEYS / (highest - lowest).max(1e-9);
        Self { lowest, keys_per_score, last: (buckets + BELOW as f64 + 1.0) * KEYS - 1.0 }
    }

    fn buckets(self) -> usize {
        ((self.last + 1.0) / KEYS) as usize
    }

    /// The key of a score.
    #[inline(always)]
    fn key(self, score: f64) -> u32 {
        /// Added to a number below 2^32, it leaves its integer in the low bits: a conversion every vector unit has.
        const SHIFT: f64 = (1u64 << 52) as f64;
        let key = (score - self.lowest) * self.keys_per_score + BELOW as f64 * KEYS;
        let key = if key > 0.0 { key } else { 0.0 };
        let key = if key < self.last { key } else { self.last };
        (key + SHIFT).to_bits() as u32
    }
}

/// Makes keys of scores.
struct Keys<'a> {
    scale: Scale,
    scores: &'a [f64],
    keys: &'a mut [u32],
}

impl WithSimd for Keys<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        for (key, &score) in self.keys.iter_mut().zip(self.scores) {
            *key = self.scale.key(score);
        }
    }
}

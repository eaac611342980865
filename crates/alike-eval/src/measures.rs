//! Metrics of one ranking: pure functions, each with its protocol.
//!
//! `rel_i` is 1 if the picture at rank `i` (from 1) is relevant, `R` the number of relevant pictures in the gallery,
//! `h_k = rel_1 + .. + rel_k`, `P_i = h_i / i`. A ranking shorter than `k` is taken as filled up with others, so that
//! P@k is always divided by `k`, as trec_eval does.
//!
//! **Ties.** A mixed [`Group`] stands for all orders of its pictures. The value is the exact expectation over these
//! orders, each as likely as any other (McSherry and Najork, *Computing Information Retrieval Performance Measures
//! Efficiently in the Presence of Tied Scores*, 2008; He, Cakir, Bargal and Sclaroff, *Hashing as Tie-Aware Learning to
//! Rank*, 2018). [`Judged::best`] and [`Judged::worst`] are the orders that put relevant pictures first and last.
//! Interpolated curves take their points at score thresholds, that is, at the ends of groups: an interpolated curve
//! without ties has the same values.
//!
//! **Nothing relevant.** Where `R` is 0 no metric exists, and every function gives `None`.

use crate::rank::Group;

/// A ranking as metrics see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    groups: Vec<Group>,
    relevant: u32,
}

impl Judged {
    /// A ranking by its groups, and `R`. Groups may end behind the last rank that a metric asks for.
    pub fn new(groups: Vec<Group>, relevant: u32) -> Self {
        Self { groups, relevant }
    }

    /// A ranking without ties: for each rank whether the picture is relevant.
    pub fn from_labels(labels: &[bool], relevant: u32) -> Self {
        let group = |&label: &bool| Group { relevant: u32::from(label), other: u32::from(!label) };
        Self::new(labels.iter().map(group).collect(), relevant)
    }

    /// The number of relevant pictures in the gallery, whether ranked or not.
    pub fn relevant(&self) -> u32 {
        self.relevant
    }

    /// Whether the order of equal scores can change anything.
    pub fn has_ties(&self) -> bool {
        self.groups.iter().any(|group| group.relevant > 0 && group.other > 0)
    }

    /// The same ranking with the relevant pictures of each group first.
    #[must_use]
    pub fn best(&self) -> Self {
        self.split(|group| [Group { other: 0, ..group }, Group { relevant: 0, ..group }])
    }

    /// The same ranking with the relevant pictures of each group last.
    #[must_use]
    pub fn worst(&self) -> Self {
        self.split(|group| [Group { relevant: 0, ..group }, Group { other: 0, ..group }])
    }

    fn split(&self, parts: impl Fn(Group) -> [Group; 2]) -> Self {
        Self { groups: self.groups.iter().flat_map(|&group| parts(group)).collect(), relevant: self.relevant }
    }

    /// P@k: the share of relevant pictures among the first `k`, `h_k / k`.
    pub fn precision(&self, k: usize) -> Option<f64> {
        self.over(self.hits(k), k as f64)
    }

    /// R@k: the share of the relevant pictures that stand among the first `k`, `h_k / R`.
    pub fn recall(&self, k: usize) -> Option<f64> {
        self.over(self.hits(k), f64::from(self.relevant))
    }

    /// F1@k: the harmonic mean of P@k and R@k, which is `2 h_k / (k + R)`; 0 where both are.
    pub fn f1(&self, k: usize) -> Option<f64> {
        self.over(2.0 * self.hits(k), k as f64 + f64::from(self.relevant))
    }

    /// hit@k: whether there is a relevant picture among the first `k`. Metric learning calls it Recall@k, biometrics CMC.
    pub fn hit(&self, k: usize) -> Option<f64> {
        let missed = self.heads(k).map(|head| if head.group.relevant == 0 { 1.0 } else { head.chance_of_none() });
        self.over(1.0 - missed.product::<f64>(), 1.0)
    }

    /// nDCG@k with gain `1 / log2(i + 1)` for a relevant picture at rank `i`, ideal over `min(R, k)` ranks (Järvelin
    /// and Kekäläinen 2002, binary relevance; trec_eval `ndcg_cut`).
    pub fn ndcg(&self, k: usize) -> Option<f64> {
        let gain = |rank: usize| 1.0 / ((rank + 1) as f64).log2();
        let gained = self
            .heads(k)
            .filter(|head| head.group.relevant > 0)
            .map(|head| head.share() * (1..=head.taken).map(|place| gain(head.before + place)).sum::<f64>());
        let ideal = (1..=k.min(self.relevant as usize)).map(gain).sum::<f64>();
        self.over(gained.sum(), ideal)
    }

    /// AP over the whole ranking, `(1/R) sum of rel_i P_i`: the step sum (trec_eval `map`, scikit-learn, ranx), not the
    /// trapezoid.
    pub fn average_precision(&self) -> Option<f64> {
        self.over(self.precision_sum(usize::MAX), f64::from(self.relevant))
    }

    /// AP@k divided by `min(R, k)`, the best that is possible (Kaggle, recommender systems). This is what `mAP@k`
    /// averages here.
    pub fn average_precision_at(&self, k: usize) -> Option<f64> {
        self.over(self.precision_sum(k), f64::from(self.relevant).min(k as f64))
    }

    /// AP@k divided by `R` (trec_eval `map_cut`, ranx `map@k`): can't reach 1 where `R > k`.
    pub fn average_precision_at_by_relevant(&self, k: usize) -> Option<f64> {
        self.over(self.precision_sum(k), f64::from(self.relevant))
    }

    /// AP@k divided by the relevant pictures found, `h_k`; 0 where there are none (papers on hashing, torchmetrics
    /// `top_k`, OML). Says nothing of what was missed: one hit at rank 1 and no other gives 1.
    pub fn average_precision_at_by_hits(&self, k: usize) -> Option<f64> {
        let (mut sum, mut certain) = (0.0, 0.0);
        let mut cut = None;
        for head in self.heads(k) {
            if head.taken == head.group.size() || head.group.relevant == 0 {
                sum += head.precision_sum(certain);
                certain += f64::from(head.group.relevant);
            } else {
                cut = Some(head);
            }
        }
        let value = match cut {
            Some(head) => head.precision_by_hits(sum, certain),
            None if certain == 0.0 => 0.0,
            None => sum / certain,
        };
        self.over(value, 1.0)
    }

    /// MAP@R (Musgrave, Belongie and Lim, *A Metric Learning Reality Check*, 2020): `(1/R) sum over i <= R of rel_i P_i`.
    pub fn map_at_r(&self) -> Option<f64> {
        self.over(self.precision_sum(self.relevant as usize), f64::from(self.relevant))
    }

    /// R-precision: the share of relevant pictures among the first `R` (trec_eval `Rprec`).
    pub fn r_precision(&self) -> Option<f64> {
        self.over(self.hits(self.relevant as usize), f64::from(self.relevant))
    }

    /// AP of the Oxford protocol (Philbin et al. 2007; revisitop `compute_map`): the area by trapezoids,
    /// `(1/R) sum of rel_i (P'_i + P_i) / 2` with `P'_i = (h_i - 1) / (i - 1)`, 1 for `i = 1`. Junk has to be taken out of
    /// the ranking before (see [`Truth::ignored`](crate::truth::Truth::ignored)).
    pub fn oxford_average_precision(&self) -> Option<f64> {
        let mut found = 0.0;
        let mut sum = 0.0;
        for head in self.heads(usize::MAX).filter(|head| head.group.relevant > 0) {
            for place in 1..=head.taken {
                let (rank, hits) = ((head.before + place) as f64, head.hits_given_relevant(found, place));
                let before = if rank > 1.0 { (hits - 1.0) / (rank - 1.0) } else { 1.0 };
                sum += head.share() * (before + hits / rank) / 2.0;
            }
            found += f64::from(head.group.relevant);
        }
        self.over(sum, f64::from(self.relevant))
    }

    /// Reciprocal rank of the first relevant picture; 0 where none is ranked. Its mean is MRR.
    pub fn reciprocal_rank(&self) -> Option<f64> {
        let first = self.heads(usize::MAX).find(|head| head.group.relevant > 0);
        self.over(first.map_or(0.0, |head| head.expected_reciprocal_rank()), 1.0)
    }

    /// Interpolated precision at recall `i / steps` for `i` in `0..=steps`: the greatest precision at that recall or
    /// more, 0 where the ranking never gets there. With 10 steps these are the 11 points of trec_eval
    /// (`iprec_at_recall`).
    pub fn interpolated_precision(&self, steps: u32) -> Option<Vec<f64>> {
        if self.relevant == 0 {
            return None;
        }
        let mut curve = vec![0.0; steps as usize + 1];
        for (hits, precision) in self.thresholds() {
            // Recall i / steps is reached by h hits where h / R >= i / steps; in integers, so that nothing is rounded.
            let reached = u64::from(hits) * u64::from(steps) / u64::from(self.relevant);
            let last = (reached as usize).min(steps as usize);
            curve[last] = f64::max(curve[last], precision);
        }
        let mut greatest = 0.0;
        for value in curve.iter_mut().rev() {
            greatest = f64::max(greatest, *value);
            *value = greatest;
        }
        Some(curve)
    }

    /// Mean of the 11 interpolated points (PASCAL VOC until 2009).
    pub fn eleven_point_average(&self) -> Option<f64> {
        Some(self.interpolated_precision(10)?.iter().sum::<f64>() / 11.0)
    }

    /// Area under the full interpolated curve (PASCAL VOC since 2010): each relevant picture counts the greatest
    /// precision at its recall or more.
    pub fn interpolated_average_precision(&self) -> Option<f64> {
        let points: Vec<(u32, f64)> = self.thresholds().collect();
        let (mut greatest, mut sum) = (0.0, 0.0);
        for (i, &(hits, precision)) in points.iter().enumerate().rev() {
            greatest = f64::max(greatest, precision);
            let before = if i > 0 { points[i - 1].0 } else { 0 };
            sum += f64::from(hits - before) * greatest;
        }
        self.over(sum, f64::from(self.relevant))
    }

    fn over(&self, value: f64, divisor: f64) -> Option<f64> {
        (self.relevant > 0 && divisor > 0.0).then(|| value / divisor)
    }

    /// Expected `h_k`.
    fn hits(&self, k: usize) -> f64 {
        self.heads(k).map(|head| head.share() * head.taken as f64).sum()
    }

    /// Expected sum of `rel_i P_i` over the first `k` ranks.
    fn precision_sum(&self, k: usize) -> f64 {
        let (mut sum, mut found) = (0.0, 0.0);
        for head in self.heads(k) {
            sum += head.precision_sum(found);
            found += f64::from(head.group.relevant);
        }
        sum
    }

    /// The groups that reach into the first `k` ranks.
    fn heads(&self, k: usize) -> impl Iterator<Item = Head> + '_ {
        let mut before = 0;
        self.groups.iter().filter(|group| group.size() > 0).map_while(move |&group| {
            let head = Head { group, before, taken: group.size().min(k.saturating_sub(before)) };
            before += group.size();
            (head.taken > 0).then_some(head)
        })
    }

    /// Hits and precision at the end of each group that has relevant pictures.
    fn thresholds(&self) -> impl Iterator<Item = (u32, f64)> + '_ {
        let mut hits = 0;
        self.heads(usize::MAX).filter(|head| head.group.relevant > 0).map(move |head| {
            hits += head.group.relevant;
            (hits, f64::from(hits) / (head.before + head.group.size()) as f64)
        })
    }
}

impl Group {
    fn size(self) -> usize {
        (self.relevant + self.other) as usize
    }
}

/// A group, and how many of its places lie within the first `k` ranks.
#[derive(Clone, Copy)]
struct Head {
    group: Group,
    /// Ranks before the group.
    before: usize,
    /// At least 1.
    taken: usize,
}

impl Head {
    /// The probability that a given place holds a relevant picture.
    fn share(&self) -> f64 {
        f64::from(self.group.relevant) / self.group.size() as f64
    }

    /// Expected `h_i` where the `place`-th picture (from 1) is relevant and `found` hits stand before the group: of the
    /// other `n - 1` places each is relevant with probability `(r - 1) / (n - 1)`.
    fn hits_given_relevant(&self, found: f64, place: usize) -> f64 {
        let others = (self.group.size() - 1).max(1) as f64;
        found + 1.0 + (place - 1) as f64 * f64::from(self.group.relevant.saturating_sub(1)) / others
    }

    /// Expected sum of `rel_i P_i` over the places taken.
    fn precision_sum(&self, found: f64) -> f64 {
        if self.group.relevant == 0 {
            return 0.0;
        }
        let terms = (1..=self.taken).map(|place| self.hits_given_relevant(found, place) / (self.before + place) as f64);
        self.share() * terms.sum::<f64>()
    }

    /// The probability that none of the places taken holds a relevant picture.
    fn chance_of_none(&self) -> f64 {
        let (size, other) = (self.group.size() as f64, f64::from(self.group.other));
        (0..self.taken).map(|i| ((other - i as f64) / (size - i as f64)).max(0.0)).product()
    }

    /// Expected AP@k by hits, where the cut goes through this group: the number of hits among the places taken is
    /// hypergeometric, and given that number they are spread evenly.
    fn precision_by_hits(&self, sum: f64, found: f64) -> f64 {
        let taken = self.taken as f64;
        let place = |i: usize| (self.before + i) as f64;
        let reciprocals: f64 = (1..=self.taken).map(|i| 1.0 / place(i)).sum();
        let weighted: f64 = (1..=self.taken).map(|i| (i - 1) as f64 / place(i)).sum();
        let value = |hits: f64| {
            if found + hits == 0.0 {
                return 0.0;
            }
            let step = if taken > 1.0 { (hits - 1.0) / (taken - 1.0) } else { 0.0 };
            let gained = if hits > 0.0 { hits / taken * ((found + 1.0) * reciprocals + step * weighted) } else { 0.0 };
            (sum + gained) / (found + hits)
        };
        self.chances_of_hits().map(|(hits, chance)| chance * value(hits)).sum()
    }

    /// How many of the places taken hold relevant pictures, and how likely that is: the hypergeometric distribution.
    fn chances_of_hits(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let (relevant, other) = (self.group.relevant as usize, self.group.other as usize);
        let (least, most) = (self.taken.saturating_sub(other), self.taken.min(relevant));
        // From one count to the next by the ratio of their chances, scaled by their sum: factorials would overflow.
        let ratio = |hits: usize| {
            ((relevant - hits) * (self.taken - hits)) as f64 / ((hits + 1) * (other + hits + 1 - self.taken)) as f64
        };
        let likeliest = ((self.taken + 1) * (relevant + 1) / (relevant + other + 2)).clamp(least, most);
        let mut weights = vec![1.0; most - least + 1];
        for hits in likeliest..most {
            weights[hits + 1 - least] = weights[hits - least] * ratio(hits);
        }
        for hits in (least..likeliest).rev() {
            weights[hits - least] = weights[hits + 1 - least] / ratio(hits);
        }
        let total: f64 = weights.iter().sum();
        (least..=most).zip(weights).map(move |(hits, weight)| (hits as f64, weight / total))
    }

    /// Expected reciprocal rank of the group's first relevant picture.
    fn expected_reciprocal_rank(&self) -> f64 {
        let (size, relevant) = (self.group.size(), f64::from(self.group.relevant));
        let (mut none_yet, mut sum) = (1.0, 0.0);
        for place in 1..=(size - self.group.relevant as usize + 1) {
            let left = (size - place + 1) as f64;
            sum += none_yet * relevant / left / (self.before + place) as f64;
            none_yet *= (left - relevant) / left;
        }
        sum
    }
}

/// The metrics of an evaluation, in the order in which they are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheme {
    cutoffs: Vec<usize>,
}

impl Scheme {
    /// Metrics at each of these `k`, and of the whole ranking. The cut-offs are sorted, each kept once; 0 is left out.
    pub fn new(cutoffs: &[usize]) -> Self {
        let mut cutoffs: Vec<usize> = cutoffs.iter().copied().filter(|&k| k > 0).collect();
        cutoffs.sort_unstable();
        cutoffs.dedup();
        Self { cutoffs }
    }

    /// The cut-offs, ascending.
    pub fn cutoffs(&self) -> &[usize] {
        &self.cutoffs
    }

    /// `P@1`, .., `mAP@10/hits`, `mAP`, ..
    pub fn names(&self) -> Vec<String> {
        let at =
            self.cutoffs.iter().flat_map(|k| AT_K.iter().map(move |(name, _)| name.replacen('k', &k.to_string(), 1)));
        at.chain(WHOLE.iter().map(|(name, _)| (*name).to_owned())).collect()
    }

    /// How many metrics each cut-off has; they come first among the names.
    pub const PER_CUTOFF: usize = AT_K.len();

    /// The metrics of one ranking, in the order of [`names`](Self::names); `None` where nothing is relevant.
    pub fn measure(&self, ranking: &Judged) -> Option<Vec<f64>> {
        let whole: Option<Vec<f64>> = WHOLE.iter().map(|(_, metric)| metric(ranking)).collect();
        Some([self.measure_at_k(ranking)?, whole?].concat())
    }

    /// Those of the cut-offs alone, for a ranking that is known no further than to the last of them.
    pub fn measure_at_k(&self, ranking: &Judged) -> Option<Vec<f64>> {
        self.cutoffs.iter().flat_map(|&k| AT_K.iter().map(move |(_, metric)| metric(ranking, k))).collect()
    }
}

type AtK = (&'static str, fn(&Judged, usize) -> Option<f64>);
type Whole = (&'static str, fn(&Judged) -> Option<f64>);

/// The first `k` of each name stands for the cut-off.
const AT_K: [AtK; 8] = [
    ("P@k", Judged::precision),
    ("R@k", Judged::recall),
    ("F1@k", Judged::f1),
    ("hit@k", Judged::hit),
    ("nDCG@k", Judged::ndcg),
    ("mAP@k", Judged::average_precision_at),
    ("mAP@k/R", Judged::average_precision_at_by_relevant),
    ("mAP@k/hits", Judged::average_precision_at_by_hits),
];

const WHOLE: [Whole; 7] = [
    ("mAP", Judged::average_precision),
    ("MAP@R", Judged::map_at_r),
    ("R-precision", Judged::r_precision),
    ("MRR", Judged::reciprocal_rank),
    ("mAP (Oxford)", Judged::oxford_average_precision),
    ("mAP (11 points)", Judged::eleven_point_average),
    ("mAP (interpolated)", Judged::interpolated_average_precision),
];

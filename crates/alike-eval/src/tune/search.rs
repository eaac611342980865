//! What is tried, stage by stage: each goes on from the best of those before.

use super::candidate::{Axes, Base, Candidate, WHOLE};
use super::choice;
use super::measure::{Bench, Measured};
use super::{Recipe, Request, Stage, TuneError};
use alike::rank::{Neighbours, Ranking};
use alike::recipe::DescriptorKind;
use std::collections::HashSet;

/// Axes that are tried, besides as many as fit into the bytes.
const DIMS: [usize; 6] = [8, 16, 32, 64, 128, 256];
/// Powers of `whiten`: by half, and wholly.
const WHITEN: [f64; 2] = [0.25, 0.5];
const COUNTS: [usize; 4] = [5, 10, 20, 40];
const ALPHAS: [f64; 3] = [0.0, 1.0, 3.0];
const BITS: [usize; 3] = [64, 128, 256];
/// Axes below a code.
const MOST_CODED: usize = 64;
/// Rounds of a stage that goes on as long as it finds something better.
const ROUNDS: usize = 6;
/// Recipes of each stage that are named.
const NAMED: usize = 3;

/// All that was measured so far.
pub(super) struct Search<'a> {
    pub(super) bench: Bench<'a>,
    pub(super) request: &'a Request,
    pub(super) tried: Vec<Measured>,
    pub(super) stages: Vec<Stage>,
}

impl Search<'_> {
    pub(super) fn run(&mut self) -> Result<(), TuneError> {
        self.sources()?;
        self.axes()?;
        self.codes()?;
        self.neighbours()?;
        self.refine()
    }

    /// Measures what wasn't tried yet.
    pub(super) fn attempt(&mut self, stage: &'static str, candidates: Vec<Candidate>) -> Result<(), TuneError> {
        let mut new: Vec<Candidate> = Vec::new();
        for candidate in candidates {
            let text = candidate.to_string();
            let is_known =
                self.tried.iter().any(|tried| tried.text == text) || new.iter().any(|n| n.to_string() == text);
            if !is_known {
                new.push(candidate);
            }
        }
        self.tried.extend(self.bench.measure(stage, &new)?);
        Ok(())
    }

    /// Closes a stage, which began when so many were tried.
    fn name(&mut self, name: &'static str, begin: usize) {
        let mut found: Vec<&Measured> = self.tried[begin..].iter().collect();
        found.sort_by(|a, b| b.mean.total_cmp(&a.mean));
        let best = found.iter().take(NAMED).map(|m| Recipe { recipe: m.text.clone(), mean: m.mean }).collect();
        self.stages.push(Stage { name, tried: found.len(), best });
    }

    /// Whether a descriptor is small enough to be chosen.
    pub(super) fn fits(&self, measured: &Measured) -> bool {
        self.request.bytes.is_none_or(|bytes| measured.bytes <= bytes)
    }

    /// The first of equals.
    fn best(&self, wanted: impl Fn(&Measured) -> bool) -> Option<&Measured> {
        let wanted = self.tried.iter().filter(|one| wanted(one));
        wanted.reduce(|best, one| if one.mean > best.mean { one } else { best })
    }

    /// Mixes, a tenth of the weight moved at a time as long as that finds more; and what somebody wrote.
    fn sources(&mut self) -> Result<(), TuneError> {
        const STAGE: &str = "sources";
        let begin = self.tried.len();
        let written = self.request.starts.iter().map(|text| self.written(text)).collect::<Result<Vec<_>, _>>()?;
        self.attempt(STAGE, [vec![Candidate::new(self.start())], written].concat())?;
        for _ in 0..ROUNDS {
            let before = self.best_mix();
            self.attempt(STAGE, before.iter().flat_map(|mix| moves(mix)).collect())?;
            if self.best_mix() == before {
                break;
            }
        }
        self.name(STAGE, begin);
        Ok(())
    }

    fn best_mix(&self) -> Option<Vec<(String, u32)>> {
        let best = self.best(|tried| matches!(tried.candidate.base, Base::Mix(_)))?;
        if let Base::Mix(parts) = &best.candidate.base { Some(parts.clone()) } else { None }
    }

    /// A recipe of which it is known whether steps can follow.
    pub(super) fn written(&self, text: &str) -> Result<Candidate, TuneError> {
        let mix = Candidate::new(self.start());
        if mix.to_string() == text {
            return Ok(mix);
        }
        let open = Candidate::new(Base::Written(text.to_owned()));
        let draft = self.bench.pictures.draft(&open)?;
        let is_open = matches!(draft.kind(), DescriptorKind::Vector(_)) && draft.ranking() == Ranking::default();
        Ok(if is_open { open } else { Candidate::new(Base::Closed(text.to_owned())) })
    }

    /// What steps are tried behind: the mix at the start, the simplest of those that are as good as the best, what was written.
    fn bases(&self) -> Vec<Candidate> {
        let mixes = self.tried.iter().filter(|tried| tried.candidate == Candidate::new(tried.candidate.base.clone()));
        let mixes = mixes.filter(|tried| matches!(tried.candidate.base, Base::Mix(_)));
        let simplest = choice::simplest(mixes).map(|mix| mix.candidate.base.clone());
        let written = self.tried.iter().map(|tried| tried.candidate.base.clone());
        let written = written.filter(|base| matches!(base, Base::Written(_)));
        let mut bases: Vec<Base> = [self.start()].into_iter().chain(simplest).chain(written).collect();
        let mut known = HashSet::new();
        bases.retain(|base| known.insert(base.to_string()));
        bases.into_iter().map(Candidate::new).collect()
    }

    fn start(&self) -> Base {
        Base::Mix(self.request.mix.clone())
    }

    /// Square roots, the mean taken off, principal axes, whitened ones.
    fn axes(&mut self) -> Result<(), TuneError> {
        const STAGE: &str = "axes";
        let begin = self.tried.len();
        let mut candidates = Vec::new();
        for base in self.bases() {
            for power in [false, true] {
                let before = Candidate { power, ..base.clone() };
                candidates.extend([before.clone(), Candidate { center: true, ..before.clone() }]);
                candidates.extend(self.with_axes(&before, None)?);
            }
        }
        self.attempt(STAGE, candidates)?;
        let best = self.best(|tried| tried.candidate.axes.is_some()).map(|best| best.candidate.clone());
        if let Some(best) = best {
            let whitened = WHITEN.into_iter().map(|power| self.with_axes(&best, Some(power)));
            let whitened = whitened.collect::<Result<Vec<_>, _>>()?;
            self.attempt(STAGE, whitened.concat())?;
        }
        self.name(STAGE, begin);
        Ok(())
    }

    /// Behind a candidate's other steps, so many axes as it has numbers and half the pictures teach.
    fn with_axes(&self, before: &Candidate, whiten: Option<f64>) -> Result<Vec<Candidate>, TuneError> {
        let before = Candidate { axes: None, ..before.clone() };
        let DescriptorKind::Vector(numbers) = self.bench.pictures.draft(&before)?.kind() else { return Ok(Vec::new()) };
        let most = numbers.min(self.pictures() / 2);
        let fitting = self.request.bytes.map(|bytes| bytes / size_of::<f32>());
        let dims = DIMS.into_iter().chain(fitting).filter(|&dims| dims > 0 && dims <= most);
        Ok(dims.map(|dims| Candidate { axes: Some(Axes { dims, whiten }), ..before.clone() }).collect())
    }

    /// Of the smallest gallery.
    pub(super) fn pictures(&self) -> usize {
        self.bench.folds.iter().map(|fold| fold.gallery.len()).min().unwrap_or(0)
    }

    /// Where bytes are scarce.
    fn codes(&mut self) -> Result<(), TuneError> {
        const STAGE: &str = "codes";
        let Some(bytes) = self.request.bytes else { return Ok(()) };
        let begin = self.tried.len();
        let bits = BITS.into_iter().filter(|bits| bits / 8 <= bytes);
        let Some(bits) = bits.max() else { return Ok(()) };
        let mut candidates = Vec::new();
        for base in self.bases() {
            let axes = self.with_axes(&base, None)?.into_iter();
            let axes = axes.filter(|one| one.axes.is_some_and(|axes| axes.dims <= MOST_CODED));
            // An axis for each bit takes as many pictures.
            let bare = Some(base).filter(|_| bits < self.pictures());
            candidates.extend(bare.into_iter().chain(axes).map(|before| Candidate { bits: Some(bits), ..before }));
        }
        self.attempt(STAGE, candidates)?;
        self.name(STAGE, begin);
        Ok(())
    }

    /// The gallery and the query drawn to their neighbours, behind the start and the best of each family of steps: which of
    /// them is best without neighbours says little of which is best with them.
    fn neighbours(&mut self) -> Result<(), TuneError> {
        const STAGE: &str = "neighbours";
        let begin = self.tried.len();
        let family = |c: &Candidate| (c.axes.is_none() && c.center, c.axes.map(|axes| axes.whiten.is_some()));
        let families = [(false, None), (true, None), (false, Some(false)), (false, Some(true))];
        let of_family = |wanted| self.best(|one| self.can_follow(one) && family(&one.candidate) == wanted);
        let start = Candidate::new(self.start());
        let start = self.tried.iter().find(|one| one.candidate == start && self.can_follow(one));
        let before: Vec<Candidate> =
            start.into_iter().chain(families.into_iter().filter_map(of_family)).map(|m| m.candidate.clone()).collect();
        let pairs = self.pairs();
        let with = |before: &Candidate| {
            let before = before.clone();
            pairs.iter().map(move |&(augment, expand)| Candidate { augment, expand, ..before.clone() })
        };
        self.attempt(STAGE, before.iter().flat_map(with).collect())?;
        self.name(STAGE, begin);
        Ok(())
    }

    /// Each number of neighbours, or none, on either side.
    fn pairs(&self) -> Vec<(Option<Neighbours>, Option<Neighbours>)> {
        let counts = COUNTS.into_iter().filter(|&count| count < self.pictures());
        let some = counts.map(|count| Some(Neighbours { count, ..Neighbours::DEFAULT }));
        let choices: Vec<Option<Neighbours>> = std::iter::once(None).chain(some).collect();
        choices.iter().flat_map(|&augment| choices.iter().map(move |&expand| (augment, expand))).collect()
    }

    /// The best that steps can follow, and that is small enough.
    fn best_open(&self) -> Option<Candidate> {
        self.best(|one| self.can_follow(one)).map(|best| best.candidate.clone())
    }

    fn can_follow(&self, one: &Measured) -> bool {
        one.candidate.is_open() && one.candidate.bits.is_none() && self.fits(one)
    }

    /// Changed in one step.
    fn variations(&self, best: &Candidate) -> Result<Vec<Candidate>, TuneError> {
        let steps = [
            Candidate { power: !best.power, ..best.clone() },
            Candidate { center: !best.center, ..best.clone() },
            Candidate { axes: None, ..best.clone() },
        ];
        let axes = self.with_axes(best, best.axes.and_then(|axes| axes.whiten))?;
        Ok(neighbours_of(best).into_iter().chain(steps).chain(axes).collect())
    }

    /// The best one, changed in one step at a time as long as that finds more.
    fn refine(&mut self) -> Result<(), TuneError> {
        const STAGE: &str = "refinement";
        let begin = self.tried.len();
        for _ in 0..ROUNDS {
            let before = self.best_open();
            let varied = before.iter().map(|best| self.variations(best)).collect::<Result<Vec<_>, _>>()?;
            self.attempt(STAGE, varied.concat())?;
            if self.best_open() == before {
                break;
            }
        }
        self.name(STAGE, begin);
        Ok(())
    }
}

/// A tenth from each source to each other.
fn moves(mix: &[(String, u32)]) -> Vec<Candidate> {
    let all = 0..mix.len();
    let pairs = all.clone().flat_map(|from| all.clone().map(move |to| (from, to)));
    let moved = pairs.filter(|&(from, to)| from != to && mix[from].1 > 0).map(|(from, to)| {
        let mut mix = mix.to_vec();
        mix[from].1 -= 1;
        mix[to].1 += 1;
        Candidate::new(Base::Mix(mix))
    });
    moved.collect()
}

/// Other exponents, half and twice the neighbours, on either side.
fn neighbours_of(best: &Candidate) -> Vec<Candidate> {
    let others = |now: Option<Neighbours>| {
        let of = |now: Neighbours| {
            let alphas = ALPHAS.into_iter().map(move |alpha| Neighbours { alpha, ..now });
            let counts = [now.count.div_ceil(2), now.count * 3 / 4, now.count * 3 / 2, now.count * 2];
            let counts = counts.into_iter().filter(|count| (1..=1000).contains(count));
            alphas.chain(counts.map(move |count| Neighbours { count, ..now }))
        };
        now.into_iter().flat_map(of).map(Some).chain([None])
    };
    let augmented = others(best.augment).map(|augment| Candidate { augment, ..best.clone() });
    augmented.chain(others(best.expand).map(|expand| Candidate { expand, ..best.clone() })).collect()
}

/// The parts have to make a whole.
pub(super) fn check(mix: &[(String, u32)]) -> Result<(), TuneError> {
    let got = mix.iter().map(|(_, tenths)| tenths).sum();
    if got == WHOLE { Ok(()) } else { Err(TuneError::Mix { got }) }
}

//! `semantic`: the class probabilities of a network.

use super::{Forward, Source, SourceError, SourceId, checked, network_id};
use crate::model::{Model, Output};
use crate::picture::Picture;
use std::sync::Arc;

struct Semantic {
    id: SourceId,
    model: Arc<Model>,
    dims: usize,
}

pub(super) fn build(model: &Arc<Model>) -> Result<Arc<dyn Source>, SourceError> {
    let missing = || SourceError::NoOutput { name: "semantic", output: "logits", model: model.id().to_string() };
    let dims = model.logit_dims().ok_or_else(missing)?;
    Ok(Arc::new(Semantic { id: network_id("semantic", model, &[]), model: Arc::clone(model), dims }))
}

impl Source for Semantic {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn dims(&self) -> usize {
        self.dims
    }

    fn model(&self) -> Option<&Arc<Model>> {
        Some(&self.model)
    }

    fn output(&self) -> Option<Output<'_>> {
        Some(Output::Logits)
    }

    fn describe(&self, _picture: &Picture, forward: &Forward) -> Result<Vec<f32>, SourceError> {
        let logits = forward.get(self.model.id()).and_then(|outputs| outputs.logits.as_ref());
        let logits = checked("semantic", &self.model, self.dims, logits)?;
        Ok(if self.model.logits_are_probabilities() {
            logits
        } else {
            softmax(&logits.iter().map(|x| f64::from(*x)).collect::<Vec<_>>())
        })
    }
}

/// In f64, with the largest logit taken off first so that nothing overflows.
pub(crate) fn softmax(logits: &[f64]) -> Vec<f32> {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = logits.iter().map(|x| (x - largest).exp()).collect();
    let total: f64 = powers.iter().sum();
    powers.iter().map(|p| (p / total) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::softmax;

    #[test]
    fn softmax_is_stable_and_sums_to_one() {
        // scipy.special.softmax([1, 2, 3])
        let expected = [0.090_030_57_f32, 0.244_728_47, 0.665_240_94];
        for shift in [0.0, -1000.0, 1e4] {
            let got = softmax(&[1.0 + shift, 2.0 + shift, 3.0 + shift]);
            assert!(got.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-7), "{got:?}");
        }
        assert_eq!(softmax(&[f64::MAX, f64::MIN]), [1.0, 0.0]);
    }
}

//! Metrics against the field's tools (trec_eval, ranx, scikit-learn, revisitop) and against brute force over ties.

use alike_eval::measures::{Judged, Scheme};
use alike_eval::rank::Group;
use proptest::prelude::*;
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Small rankings with every value, checked against pytrec_eval, ranx, scikit-learn and revisitop.
fn oracle() -> Option<Value> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = std::env::var_os("ALIKE_DATA").map_or(shared, |data| PathBuf::from(data).join(".."));
    let path = folder.join("eval_oracle.json");
    if path.exists() {
        return Some(serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap());
    }
    assert!(std::env::var_os("ALIKE_REQUIRE_DATA").is_none(), "ALIKE_REQUIRE_DATA is set, no {}", path.display());
    writeln!(std::io::stderr(), "skipped the oracle of the metrics: no {}", path.display()).unwrap();
    None
}

#[track_caller]
fn close(got: f64, wanted: f64, what: &str) {
    assert!((got - wanted).abs() <= 1e-9, "{what}: got {got}, wanted {wanted}");
}

fn labels(case: &Value) -> Judged {
    let labels: Vec<bool> = case["labels"].as_array().unwrap().iter().map(|label| label == 1).collect();
    Judged::from_labels(&labels, case["R"].as_u64().unwrap() as u32)
}

/// Every value that starts with a known name is compared; one we don't know is a failure, so that none is left out.
fn check_case(name: &str, case: &Value) -> usize {
    let ranking = labels(case);
    let mut compared = 0;
    let mut check = |key: &str, got: Option<f64>| {
        close(got.unwrap(), case[key].as_f64().unwrap(), &format!("{name} {key}"));
        compared += 1;
    };
    for key in case.as_object().unwrap().keys() {
        let at = |prefix: &str| {
            let digits: String = key.strip_prefix(prefix)?.chars().take_while(char::is_ascii_digit).collect();
            digits.parse::<usize>().ok()
        };
        match key.as_str() {
            "labels" | "R" | "N" => {}
            // What torchmetrics and others print under these names is not copied; their values are in other keys.
            "revisitop_mP@[1,5,10]" => {}
            _ if key.contains("OML") && key.starts_with("P@") => {}
            "AP_full" | "chk_sklearn_AP" => check(key, ranking.average_precision()),
            "AP_trapezoid_revisitop" => check(key, ranking.oxford_average_precision()),
            "R_precision" => check(key, ranking.r_precision()),
            "MAP@R" => check(key, ranking.map_at_r()),
            "RR" => check(key, ranking.reciprocal_rank()),
            "AP_11pt_VOC07" => check(key, ranking.eleven_point_average()),
            "AP_interpolated_VOC10" => check(key, ranking.interpolated_average_precision()),
            "iprec_11pt" => {
                for (i, got) in ranking.interpolated_precision(10).unwrap().into_iter().enumerate() {
                    close(got, case[key][i].as_f64().unwrap(), &format!("{name} {key} {i}"));
                }
            }
            "chk_trec" | "chk_ranx" => check_tool(name, &ranking, &case[key]),
            _ if key.contains("div_R") => check(key, ranking.average_precision_at_by_relevant(at("AP@").unwrap())),
            _ if key.contains("div_min") => check(key, ranking.average_precision_at(at("AP@").unwrap())),
            _ if key.contains("div_hits") => check(key, ranking.average_precision_at_by_hits(at("AP@").unwrap())),
            _ if key.starts_with("P@") => check(key, ranking.precision(at("P@").unwrap())),
            _ if key.starts_with("R@") => check(key, ranking.recall(at("R@").unwrap())),
            _ if key.starts_with("F1@") => check(key, ranking.f1(at("F1@").unwrap())),
            _ if key.starts_with("HitRate") => check(key, ranking.hit(at("HitRate/CMC@").unwrap())),
            _ if key.starts_with("nDCG@") => check(key, ranking.ndcg(at("nDCG@").unwrap())),
            other => panic!("{name}: the oracle has `{other}`, which this test doesn't know"),
        }
    }
    compared
}

fn check_tool(name: &str, ranking: &Judged, tool: &Value) {
    for (key, wanted) in tool.as_object().unwrap() {
        let k = key.rsplit(['_', '@']).next().unwrap().parse::<usize>().unwrap_or(0);
        let got = match key.as_str() {
            "map" => ranking.average_precision(),
            "Rprec" | "r-precision" => ranking.r_precision(),
            "recip_rank" | "mrr" => ranking.reciprocal_rank(),
            // F of the whole retrieved set, which depends on where the run file was cut: not one of ours.
            "set_F" => continue,
            _ if key.starts_with("map_cut_") || key.starts_with("map@") => ranking.average_precision_at_by_relevant(k),
            _ if key.starts_with("P_") || key.starts_with("precision@") => ranking.precision(k),
            _ if key.starts_with("recall") => ranking.recall(k),
            _ if key.starts_with("ndcg") => ranking.ndcg(k),
            _ if key.starts_with("f1@") => ranking.f1(k),
            _ if key.starts_with("iprec_at_recall_") => {
                let level = key["iprec_at_recall_".len()..].parse::<f64>().unwrap();
                ranking.interpolated_precision(10).map(|curve| curve[(level * 10.0).round() as usize])
            }
            other => panic!("{name}: the oracle has `{other}`, which this test doesn't know"),
        };
        close(got.unwrap(), wanted.as_f64().unwrap(), &format!("{name} {key}"));
    }
}

#[test]
fn all_values_of_the_oracle_are_reproduced() {
    let Some(oracle) = oracle() else { return };
    let mut cases = 0;
    for (name, case) in oracle.as_object().unwrap().iter().filter(|(name, _)| *name != "ties_4_equal_scores") {
        assert!(check_case(name, case) > 25, "{name}");
        cases += 1;
    }
    assert!(cases >= 6, "{cases} cases");
    let ties = &oracle["ties_4_equal_scores"];
    let ranking = Judged::new(vec![Group { relevant: 1, other: 3 }], 1);
    close(ranking.best().average_precision().unwrap(), 1.0, "best");
    close(ranking.worst().average_precision().unwrap(), 0.25, "worst");
    for case in ["relevant_first", "relevant_last"] {
        let wanted = ties[case]["expected_over_random_tie_order"].as_f64().unwrap();
        close(ranking.average_precision().unwrap(), wanted, case);
    }
}

#[test]
fn without_anything_relevant_there_is_no_metric() {
    let ranking = Judged::new(vec![Group { relevant: 0, other: 9 }], 0);
    assert_eq!(Scheme::new(&[1, 5]).measure(&ranking), None);
    assert_eq!(ranking.interpolated_precision(10), None);
}

#[test]
fn a_ranking_without_hits_has_zeros_and_no_nan() {
    let ranking = Judged::new(vec![Group { relevant: 0, other: 9 }], 3);
    assert!(Scheme::new(&[1, 5, 20]).measure(&ranking).unwrap().iter().all(|&value| value == 0.0));
    let nothing = Judged::new(vec![], 3);
    assert!(Scheme::new(&[1, 5, 20]).measure(&nothing).unwrap().iter().all(|&value| value == 0.0));
}

#[test]
fn names_and_values_go_together() {
    let scheme = Scheme::new(&[5, 1, 5, 0]);
    let names = scheme.names();
    assert_eq!(names[0], "P@1");
    assert_eq!(names[8..16], ["P@5", "R@5", "F1@5", "hit@5", "nDCG@5", "mAP@5", "mAP@5/R", "mAP@5/hits"]);
    let values = scheme.measure(&Judged::from_labels(&[true, false, true], 2)).unwrap();
    assert_eq!(values.len(), names.len());
    close(values[8], 0.4, "P@5");
}

/// All orders of the labels within the groups, each once for each arrangement of equal ones.
fn orders(groups: &[Group]) -> Vec<Vec<bool>> {
    let mut all = vec![vec![]];
    for group in groups {
        let size = (group.relevant + group.other) as usize;
        let choices: Vec<u32> = (0..1u32 << size).filter(|set| set.count_ones() == group.relevant).collect();
        all = all
            .into_iter()
            .flat_map(|start| {
                choices
                    .iter()
                    .map(move |set| start.iter().copied().chain((0..size).map(|i| set >> i & 1 == 1)).collect())
            })
            .collect();
    }
    all
}

fn groups() -> impl Strategy<Value = Vec<Group>> {
    let group = (0u32..4, 0u32..4).prop_map(|(relevant, other)| Group { relevant, other });
    prop::collection::vec(group, 1..4)
}

fn found(groups: &[Group]) -> u32 {
    groups.iter().map(|group| group.relevant).sum()
}

/// The metrics whose expectation over ties is in closed form; interpolated ones take points at thresholds instead.
fn is_expected(name: &str) -> bool {
    !name.contains("11 points") && !name.contains("interpolated")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn ties_are_the_expectation_over_all_orders(groups in groups(), missing in 0u32..3, k in 1usize..14) {
        let relevant = found(&groups) + missing;
        prop_assume!(relevant > 0);
        let scheme = Scheme::new(&[k]);
        let orders: Vec<Vec<f64>> = orders(&groups)
            .iter()
            .map(|labels| scheme.measure(&Judged::from_labels(labels, relevant)).unwrap())
            .collect();
        let ranking = Judged::new(groups, relevant);
        let expected = scheme.measure(&ranking).unwrap();
        let (best, worst) = (scheme.measure(&ranking.best()).unwrap(), scheme.measure(&ranking.worst()).unwrap());
        for (i, name) in scheme.names().iter().enumerate().filter(|(_, name)| is_expected(name)) {
            let values = || orders.iter().map(|order| order[i]);
            let mean = values().sum::<f64>() / orders.len() as f64;
            prop_assert!((expected[i] - mean).abs() <= 1e-9, "{}: {} instead of {}", name, expected[i], mean);
            // More hits may lower the mean over hits; for all others the order with relevant ones first is the best.
            if !name.ends_with("/hits") {
                let (least, most) = (values().fold(f64::MAX, f64::min), values().fold(f64::MIN, f64::max));
                prop_assert!((worst[i] - least).abs() <= 1e-9, "{}: least {} instead of {}", name, worst[i], least);
                prop_assert!((best[i] - most).abs() <= 1e-9, "{}: most {} instead of {}", name, best[i], most);
            }
        }
    }

    #[test]
    fn all_metrics_lie_between_0_and_1(groups in groups(), missing in 0u32..3, k in 1usize..14) {
        let ranking = Judged::new(groups.clone(), found(&groups) + missing);
        for value in Scheme::new(&[k]).measure(&ranking).into_iter().flatten() {
            prop_assert!((-1e-12..=1.0 + 1e-12).contains(&value), "{}", value);
        }
        if let Some(curve) = ranking.interpolated_precision(100) {
            prop_assert!(curve.is_sorted_by(|a, b| a >= b) && curve[0] <= 1.0 && curve[100] >= 0.0);
        }
    }

    #[test]
    fn moving_a_relevant_picture_up_never_lowers_a_metric(labels in prop::collection::vec(any::<bool>(), 2..12), at in 0usize..11, k in 1usize..13) {
        let at = at % (labels.len() - 1);
        prop_assume!(!labels[at] && labels[at + 1]);
        let relevant = labels.iter().filter(|&&label| label).count() as u32;
        let mut moved = labels.clone();
        moved.swap(at, at + 1);
        let scheme = Scheme::new(&[k]);
        let before = scheme.measure(&Judged::from_labels(&labels, relevant)).unwrap();
        let after = scheme.measure(&Judged::from_labels(&moved, relevant)).unwrap();
        for ((name, before), after) in scheme.names().iter().zip(before).zip(after) {
            prop_assert!(name.ends_with("/hits") || after >= before - 1e-12, "{}: {} after {}", name, after, before);
        }
    }

    #[test]
    fn recall_and_hit_grow_with_k(groups in groups(), k in 1usize..14) {
        let relevant = found(&groups);
        prop_assume!(relevant > 0);
        let ranking = Judged::new(groups, relevant);
        prop_assert!(ranking.recall(k + 1).unwrap() >= ranking.recall(k).unwrap() - 1e-12);
        prop_assert!(ranking.hit(k + 1).unwrap() >= ranking.hit(k).unwrap() - 1e-12);
    }

    #[test]
    fn merging_groups_of_one_kind_changes_nothing(labels in prop::collection::vec(any::<bool>(), 1..20), k in 1usize..22) {
        let relevant = labels.iter().filter(|&&label| label).count() as u32;
        prop_assume!(relevant > 0);
        let mut merged: Vec<Group> = Vec::new();
        for &label in &labels {
            match merged.last_mut() {
                Some(last) if label && last.other == 0 => last.relevant += 1,
                Some(last) if !label && last.relevant == 0 => last.other += 1,
                _ => merged.push(Group { relevant: u32::from(label), other: u32::from(!label) }),
            }
        }
        let scheme = Scheme::new(&[k]);
        let one_by_one = scheme.measure(&Judged::from_labels(&labels, relevant)).unwrap();
        let in_runs = scheme.measure(&Judged::new(merged, relevant)).unwrap();
        for (a, b) in one_by_one.iter().zip(&in_runs) {
            prop_assert!((a - b).abs() <= 1e-12);
        }
    }
}

/// Large ties, as short codes have them: nothing overflows, and the closed form agrees with a simulation-free bound.
#[test]
fn large_ties_stay_finite() {
    let ranking = Judged::new(vec![Group { relevant: 3000, other: 40_000 }, Group { relevant: 1, other: 1 }], 3001);
    let values = Scheme::new(&[1, 10, 1000, 43_000]).measure(&ranking).unwrap();
    assert!(values.iter().all(|value| value.is_finite() && (0.0..=1.0).contains(value)));
    close(ranking.precision(10).unwrap(), 3000.0 / 43_000.0, "P@10");
}

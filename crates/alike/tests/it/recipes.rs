//! Recipes: the text form, what equal recipes are, fusion, codes.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use crate::data::data;
use crate::sources::quality;
use alike::model::Model;
use alike::recipe::{Descriptor, DescriptorKind, Draft, Plan, Recipe, RecipeError, mean_hash};
use alike::source::{REGISTRY, Source, SourceError};
use proptest::prelude::*;
use std::path::Path;
use std::sync::Arc;

const NO_MODELS: &[Arc<Model>] = &[];

fn parse(text: &str) -> Result<Recipe, RecipeError> {
    text.parse()
}

/// Of a recipe that doesn't learn.
fn plan(text: &str) -> Result<Plan, RecipeError> {
    Ok(Draft::new(&parse(text)?, NO_MODELS)?.ready().expect("nothing to learn"))
}

fn message<T>(result: Result<T, RecipeError>) -> String {
    result.err().expect("should be refused").to_string()
}

#[test]
fn display_normalises() {
    for (written, shown) in [
        ("deep", "deep"),
        ("  0.70*deep+.3 * color ", "0.7*deep + 0.3*color"),
        ("((deep))", "deep"),
        ("(color+texture)|hash(mean)", "color + texture | hash(mean)"),
        ("(deep|center|pca(64))+color", "(deep | center | pca(64)) + color"),
        ("deep@dinov2_small", "deep@dinov2_small"),
        ("deep@\"my model\"", "deep@\"my model\""),
        ("deep@\"plain\"", "deep@plain"),
        (
            r#"layer("features/Conv_95",gem(3))|whiten(256,0.25)"#,
            r#"layer("features/Conv_95", gem(3)) | whiten(256, 0.25)"#,
        ),
        (r#"project( "a \"b\" \\ c" )"#, r#"project("a \"b\" \\ c")"#),
        ("deep|hash( threshold = -0.5 )", "deep | hash(threshold=-0.5)"),
        ("sum(2*deep + color | pca(8), semantic)", "sum(2*deep + color | pca(8), semantic)"),
        ("deep | hash(gallery-mean)", "deep | hash(gallery-mean)"),
        ("1e-3*a + 5E+2*b", "0.001*a + 500*b"),
    ] {
        assert_eq!(parse(written).unwrap().to_string(), shown);
        assert_eq!(parse(shown).unwrap(), parse(written).unwrap());
    }
}

#[test]
fn syntax_errors_point_at_the_column() {
    for (text, wanted) in [
        ("", "expected the name of a source, a weight or `(` at column 1, got the end"),
        ("color + ", "expected the name of a source, a weight or `(` at column 9, got the end"),
        ("color texture", "expected `+`, `|` or the end at column 7, got `t`"),
        ("(color", "expected `+`, `|` or `)` at column 7, got the end"),
        ("2 color", "expected `*` after the weight at column 3, got `c`"),
        ("color | 3", "expected the name of a step at column 9, got `3`"),
        ("hash()", "expected the name of a source, a weight or `(` at column 6, got `)`"),
        ("hash(1 2)", "expected `,` or `)` at column 8, got `2`"),
        ("1.2.3*color", "expected a finite number at column 1, got `1`"),
        ("hash(1e999)", "expected a finite number at column 6, got `1`"),
        ("deep@", "expected the name of a model at column 6, got the end"),
        ("layer(\"ü", "expected a closing `\"` at column 9, got the end"),
        ("layer(\"a\\n\")", "expected `\"` or `\\` after `\\` at column 10, got `n`"),
        ("ü", "expected the name of a source, a weight or `(` at column 1, got `ü`"),
    ] {
        assert_eq!(message(parse(text)), wanted, "{text}");
    }
}

#[test]
fn weights_are_positive_and_bounded() {
    for weight in ["0", "-1", "1e-7", "1e7"] {
        let message = message(parse(&format!("color + {weight}*texture")));
        assert!(message.contains("at column 9: weights lie between"), "{message}");
    }
    assert!(parse("NaN*color").is_err());
    assert!(parse("inf*color").is_err());
}

#[test]
fn hostile_text_is_refused_in_bounded_time_and_depth() {
    assert!(matches!(parse(&"(".repeat(4000)), Err(RecipeError::TooDeep { limit: 32, column: 33 })));
    assert!(matches!(parse(&"a(".repeat(2000)), Err(RecipeError::TooDeep { .. })));
    assert!(matches!(parse(&"a(b=".repeat(1000)), Err(RecipeError::TooDeep { .. })));
    assert!(matches!(parse(&"2*(a+".repeat(800)), Err(RecipeError::TooDeep { .. })));
    assert!(matches!(parse(&"a".repeat(5000)), Err(RecipeError::TooLong { bytes: 5000, .. })));
    assert!(parse(&vec!["color"; 500].join("+")).is_ok());
}

fn recipe_text() -> impl Strategy<Value = String> {
    let word = "[a-z_][a-z0-9_-]{0,5}";
    let argument = prop_oneof![
        (-1e6..1e6_f64).prop_map(|n| n.to_string()),
        Just("\"q \\\" \\\\ é\"".to_owned()),
        "([a-z]{1,3}=)?[a-z]{1,4}",
    ];
    let call = (word, prop::option::of("[A-Za-z0-9_.#-]{1,6}"), prop::collection::vec(argument, 0..3));
    let call = call.prop_map(|(name, model, args)| {
        let model = model.map_or(String::new(), |m| format!("@{m}"));
        let args = if args.is_empty() { String::new() } else { format!("({})", args.join(" ,")) };
        format!("{name}{model}{args}")
    });
    call.clone().prop_recursive(4, 24, 3, move |inner| {
        let weight = prop::option::of(1e-3..1e3_f64);
        let operand = prop_oneof![call.clone(), inner.prop_map(|r| format!("({r})"))];
        let term = (weight, operand).prop_map(|(w, o)| w.map_or(o.clone(), |w| format!("{w} *{o}")));
        let sum = prop::collection::vec(term, 1..3).prop_map(|terms| terms.join("+"));
        let steps = prop::collection::vec(call.clone(), 0..2);
        (sum, steps).prop_map(|(sum, steps)| steps.iter().fold(sum, |text, step| format!("{text}| {step}")))
    })
}

proptest! {
    #[test]
    fn displayed_recipes_parse_to_the_same(text in recipe_text()) {
        let recipe = parse(&text).unwrap();
        let shown = recipe.to_string();
        prop_assert_eq!(&parse(&shown).unwrap(), &recipe);
        prop_assert_eq!(parse(&shown).unwrap().to_string(), shown);
    }

    #[test]
    fn any_text_is_parsed_or_refused(text in "[-a-c0-9().+*|@,=\"\\\\ é]{0,60}") {
        if let Ok(recipe) = parse(&text) {
            prop_assert_eq!(parse(&recipe.to_string()).unwrap(), recipe);
        }
    }
}

#[test]
fn equal_recipes_have_equal_canonical_text_and_key() {
    let canonical = |text: &str| plan(text).unwrap().canonical().to_owned();
    assert_eq!(canonical("color"), "color/1");
    assert_eq!(canonical("3*color"), "color/1");
    for text in ["color+texture", "0.5*color + 0.5*texture", "2*color+2*texture", "(color + texture)"] {
        assert_eq!(canonical(text), "0.5*color/1 + 0.5*texture/2");
        assert_eq!(plan(text).unwrap().key(), plan("color + texture").unwrap().key());
    }
    assert_eq!(canonical("0.1*color + 0.2*texture"), canonical("color + 2*texture"));
    assert_eq!(canonical("(color + texture) + shape"), "0.5*(0.5*color/1 + 0.5*texture/2) + 0.5*shape/1");
    assert_eq!(canonical("color + texture | hash(mean)"), "0.5*color/1 + 0.5*texture/2 | hash(mean)");
    let keys = ["color", "texture", "color+texture", "texture+color", "2*color+texture", "color | hash(mean)"];
    let keys: std::collections::BTreeSet<String> = keys.iter().map(|r| plan(r).unwrap().key().to_owned()).collect();
    assert_eq!(keys.len(), 6);
    assert!(keys.iter().all(|key| key.len() == 32 && key.chars().all(|c| c.is_ascii_hexdigit())));
}

#[test]
fn what_does_not_exist_is_named_with_what_does() {
    let known = REGISTRY.iter().map(|entry| entry.name).collect::<Vec<_>>().join(", ");
    assert_eq!(message(plan("color + surf")), format!("unknown source `surf` at column 9: known are {known}"));
    assert_eq!(
        message(plan("color | centre | pca(64)")),
        "unknown step `centre` at column 9: known are center, pca, whiten, power, vlad, augment, expand, reciprocal, diffuse, project, hash"
    );
    assert_eq!(message(plan("color(3)")), "`color` at column 1 takes no arguments");
    assert_eq!(message(plan("color@x")), "`color` at column 1 takes no model");
    assert!(matches!(plan("deep"), Err(RecipeError::Source(SourceError::NeedsModel { .. }))));
    assert_eq!(message(plan("deep@x")), "unknown model `x` at column 1: no model was given");
}

#[test]
fn codes_stand_alone() {
    assert!(message(plan("(color | hash(mean)) + texture")).starts_with("a code can't be part of a sum (column 2)"));
    assert!(message(plan("texture + 2*(color | hash(mean))")).starts_with("a code can't be part of a sum (column 14)"));
    let message = message(plan("color | hash(mean) | hash(mean)"));
    assert_eq!(message, "step `hash` at column 22 stands behind a code: nothing can");
    assert_eq!(plan("2*(color | hash(mean))").unwrap().canonical(), "color/1 | hash(mean)");
}

/// Rows of the right lengths, filled by `value(source, i)`.
fn rows(plan: &Plan, value: impl Fn(usize, usize) -> f32) -> Vec<Vec<f32>> {
    let row = |s: usize, source: &Arc<dyn Source>| (0..source.dims()).map(|i| value(s, i)).collect();
    plan.sources().iter().enumerate().map(|(s, source)| row(s, source)).collect()
}

fn describe(plan: &Plan, rows: &[Vec<f32>]) -> Option<Descriptor> {
    plan.describe(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

fn wave(seed: usize) -> impl Fn(usize, usize) -> f32 {
    move |s, i| ((i * (7 + s) + seed * 13) % 29) as f32 - 11.0
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn the_score_of_a_sum_is_the_weighted_sum_of_cosines() {
    let plan = plan("3*color + texture").unwrap();
    let (a, b) = (rows(&plan, wave(1)), rows(&plan, wave(2)));
    let score = plan.kind().score(&describe(&plan, &a).unwrap(), &describe(&plan, &b).unwrap()).unwrap();
    let expected = 0.75 * cosine(&a[0], &b[0]) + 0.25 * cosine(&a[1], &b[1]);
    assert!((f64::from(score) - expected).abs() < 1e-6, "{score} {expected}");
}

#[test]
fn a_source_named_twice_is_computed_once() {
    let plan = plan("color + (color + texture)").unwrap();
    assert_eq!(plan.sources().len(), 2);
    let dims = 2 * plan.sources()[0].dims() + plan.sources()[1].dims();
    assert_eq!(plan.kind(), DescriptorKind::Vector(dims));
}

#[test]
fn zero_terms_add_nothing_and_nothing_is_none() {
    let plan = plan("color + texture").unwrap();
    let dims = plan.sources()[0].dims();
    let half = rows(&plan, |s, i| if s == 0 { 0.0 } else { i as f32 });
    let Some(Descriptor::Vector(vector)) = describe(&plan, &half) else { panic!() };
    assert!(vector[..dims].iter().all(|x| *x == 0.0));
    assert!((cosine(&vector[dims..], &half[1]) - 1.0).abs() < 1e-9);
    assert!((vector.iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 1e-5);

    assert_eq!(describe(&plan, &rows(&plan, |_, _| 0.0)), None);
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert_eq!(describe(&plan, &rows(&plan, |s, i| if s == 1 && i == 3 { bad } else { 1.0 })), None);
    }
    assert_eq!(describe(&plan, &half[..1]), None);
    assert_eq!(describe(&plan, &[vec![1.0; 3], half[1].clone()]), None);
}

#[test]
fn huge_and_tiny_rows_still_become_unit_vectors() {
    let plan = plan("shape").unwrap();
    for scale in [f32::MAX, 1e-40] {
        let Some(Descriptor::Vector(vector)) = describe(&plan, &rows(&plan, |_, _| scale)) else { panic!() };
        assert!((vector.iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 1e-4);
    }
}

#[test]
fn hash_mean_compares_each_sigmoid_with_their_mean() {
    let plan = plan("shape | hash(mean)").unwrap();
    let dims = plan.sources()[0].dims();
    assert_eq!(plan.kind(), DescriptorKind::Code(dims));
    // Sigmoids .5 and .9933: the mean lies between. A raw row, as scaling it would move the sigmoids together.
    let Some(Descriptor::Code(words)) = describe(&plan, &rows(&plan, |_, i| if i % 3 == 0 { 5.0 } else { 0.0 })) else {
        panic!()
    };
    assert_eq!(words.len(), dims.div_ceil(64));
    for bit in 0..words.len() * 64 {
        assert_eq!(words[bit / 64] >> (bit % 64) & 1 == 1, bit < dims && bit % 3 == 0, "bit {bit}");
    }
}

#[test]
fn scores_of_vectors_and_codes() {
    let vector = |v: &[f32]| Descriptor::Vector(v.to_vec());
    let code = |w: &[u64]| Descriptor::Code(w.to_vec());
    let kind = DescriptorKind::Vector(2);
    assert_eq!(kind.score(&vector(&[0.6, 0.8]), &vector(&[0.6, 0.8])), Some(1.0));
    assert_eq!(kind.score(&vector(&[1.0, 0.0]), &vector(&[-1.0, 0.0])), Some(-1.0));
    assert_eq!(kind.score(&vector(&[1.0]), &vector(&[1.0, 0.0])), None);
    assert_eq!(kind.score(&vector(&[1.0, 0.0]), &code(&[1])), None);
    let kind = DescriptorKind::Code(80);
    assert_eq!(kind.score(&code(&[0, 0]), &code(&[0b1111, 0b1111])), Some(0.9));
    assert_eq!(kind.score(&code(&[0]), &code(&[1])), None);
}

/// Rows of a `.npy` file of little-endian f32.
fn read_npy(path: &Path) -> Vec<Vec<f32>> {
    let bytes = fs_err::read(path).unwrap();
    let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let text = String::from_utf8_lossy(&bytes[10..10 + header]).into_owned();
    assert!(text.contains("'<f4'") && text.contains("'fortran_order': False"), "{text}");
    let shape = text.split("'shape': (").nth(1).unwrap();
    let columns: usize = shape.split([',', ')']).nth(1).unwrap().trim().parse().unwrap();
    let floats: Vec<f32> =
        bytes[10 + header..].chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    floats.chunks_exact(columns).map(<[f32]>::to_vec).collect()
}

/// The reference's mean hash of 1280 network features, computed in Python, reaches P@10 .9455 and mAP .8444.
#[test]
fn hash_mean_reaches_the_reference_on_corel1k() {
    let test = "hash_mean_reaches_the_reference_on_corel1k";
    let (Some(gallery), Some(queries), Some(lists)) = (
        data(test, "reference_features_corel1k_gallery.npy"),
        data(test, "reference_features_corel1k_query.npy"),
        data(test, "corel1k"),
    ) else {
        return;
    };
    let labels = |list: &str| -> Vec<u32> {
        let text = fs_err::read_to_string(lists.join(list)).unwrap();
        text.lines().map(|line| line.split('\t').nth(1).unwrap().parse().unwrap()).collect()
    };
    let codes = |path: &Path, list| -> Vec<(Descriptor, u32)> {
        read_npy(path).iter().map(|row| mean_hash(row)).map(Descriptor::Code).zip(labels(list)).collect()
    };
    let (p10, map) =
        quality(DescriptorKind::Code(1280), &codes(&gallery, "trainval.txt"), &codes(&queries, "test.txt"));
    assert!((p10 - 0.9455).abs() < 0.0011, "P@10 {p10}");
    assert!((map - 0.8444).abs() < 0.001, "mAP {map}");
}

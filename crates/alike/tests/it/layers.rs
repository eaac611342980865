//! Layers of networks as sources: what they are called, what they give, what they cost.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod passes;
mod values;

use crate::models::runtimes::quantised;
use alike::model::Model;
use alike::recipe::{DescriptorKind, Draft, Recipe, RecipeError};
use std::path::Path;
use std::sync::Arc;

/// The network of `training/layer_fixtures.py`: a map `[1, 6, 8, 8]`, tokens `[1, 64, 6]`, features `[1, 6]`.
fn small() -> Arc<Model> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/layers.onnx");
    Arc::new(Model::open(&path).unwrap())
}

fn draft(recipe: &str, model: &Arc<Model>) -> Result<Draft, RecipeError> {
    Draft::new(&recipe.parse::<Recipe>().unwrap(), std::slice::from_ref(model))
}

fn refusal(recipe: &str) -> String {
    draft(recipe, &small()).expect_err(recipe).to_string()
}

#[test]
fn the_canonical_form_is_one_and_can_be_read_back() {
    let model = small();
    let hash = &model.id().sha256[..8];
    for (written, canonical) in [
        (r#"layer("conv")"#, r#"layer@layers#HASH("conv", avg)"#),
        (r#"layer("map", avg, scales=1)"#, r#"layer@layers#HASH("conv", avg)"#),
        (r#"layer("turn", gem)"#, r#"layer@layers#HASH("turn", gem(3))"#),
        (r#"layer@layers("tokens", gem(2.50))"#, r#"layer@layers#HASH("turn", gem(2.5))"#),
        (r#"layer("places", max, scales=2)"#, r#"layer@layers#HASH("places", max, scales=2)"#),
        ("deep(scales=1)", "deep@layers#HASH"),
        ("deep(scales=3) | hash(mean)", "deep@layers#HASH(scales=3) | hash(mean)"),
        (
            r#"sum(deep, layer("map")) + layer("map")"#,
            r#"0.5*sum(deep@layers#HASH, layer@layers#HASH("conv", avg)) + 0.5*layer@layers#HASH("conv", avg)"#,
        ),
    ] {
        let got = draft(written, &model).unwrap();
        assert_eq!(got.canonical(), canonical.replace("HASH", hash), "{written}");
        let again = draft(got.canonical(), &model).unwrap();
        assert_eq!((again.canonical(), again.key()), (got.canonical(), got.key()));
    }
}

#[test]
fn another_pooling_or_number_of_scales_is_another_source() {
    let key = |recipe: &str| draft(recipe, &small()).unwrap().sources()[0].id().key().to_owned();
    let recipes = [r#"layer("map")"#, r#"layer("map", max)"#, r#"layer("map", gem)"#, r#"layer("map", gem(4))"#];
    let scaled = [r#"layer("map", scales=2)"#, "deep", "deep(scales=2)", r#"layer("features")"#];
    let keys: std::collections::BTreeSet<_> = recipes.into_iter().chain(scaled).map(key).collect();
    assert_eq!(keys.len(), 8);
}

#[test]
fn layers_that_do_not_exist_are_named_with_those_that_do() {
    let message = refusal(r#"layer("tokns")"#);
    assert!(message.starts_with("the graph of layers#"), "{message}");
    assert!(message.ends_with(r#"has no layer "tokns", but "tokens": `alike model show` lists them"#), "{message}");
    let message = refusal(r#"layer("something else")"#);
    assert!(message.ends_with(r#"has no layer "something else": `alike model show` lists them"#), "{message}");
}

#[test]
fn what_cannot_be_pooled_is_refused_when_the_recipe_is_bound() {
    let message = refusal(r#"layer("measure")"#);
    assert!(message.contains(r#"output "size" is tensor(int32), wanted float32"#), "{message}");
    let message = refusal(r#"layer("cast")"#);
    assert!(message.starts_with(r#"layer "cast" of layers#"#) && message.contains("is [4], wanted a map"), "{message}");
}

#[test]
fn a_quantised_layer_is_refused_and_what_it_stands_for_is_taken() {
    let model = Arc::new(quantised());
    let message = draft(r#"layer("levels")"#, &model).unwrap_err().to_string();
    assert!(
        message
            .contains(r#""levels" is tensor(uint8), wanted float32: name another tensor, behind its DequantizeLinear"#),
        "{message}"
    );
    assert_eq!(draft(r#"layer("rounded")"#, &model).unwrap().kind(), DescriptorKind::Vector(3));
}

#[test]
fn arguments_are_checked() {
    for recipe in [
        "layer",
        "layer(conv)",
        r#"layer("conv", mean)"#,
        r#"layer("conv", gem(0))"#,
        r#"layer("conv", gem(11))"#,
        r#"layer("conv", gem(2, 2))"#,
        r#"layer("conv", max(2))"#,
        r#"layer("conv", scales=0)"#,
        r#"layer("conv", scales=4)"#,
        r#"layer("conv", scales=1.5)"#,
        r#"layer("conv", scales=2, gem)"#,
        r#"layer("conv", avg, max)"#,
    ] {
        let message = refusal(recipe);
        assert!(message.starts_with("`layer` at column 1 takes the name of a layer in quotes"), "{recipe}: {message}");
    }
    for recipe in ["deep(2)", "deep(scales=4)", "deep(scales=2, scales=2)", "deep(size=2)"] {
        let message = refusal(recipe);
        assert!(message.ends_with("a number of scales from 1 to 3, as in deep(scales=2)"), "{recipe}: {message}");
    }
    let nothing = Draft::new(&r#"layer("conv")"#.parse().unwrap(), &[]).unwrap_err().to_string();
    assert!(nothing.starts_with("`layer` needs a network"), "{nothing}");
}

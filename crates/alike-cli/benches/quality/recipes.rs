//! The recipes that are measured, and what each is there for.

type Recipes = Vec<(&'static str, String)>;

fn named(recipes: &[(&'static str, &str)]) -> Recipes {
    recipes.iter().map(|&(why, recipe)| (why, recipe.to_owned())).collect()
}

/// Before the network's last convolution, where edges of things still count more than their kind.
const INNER: &str = "layer(\"features.17.conv.2\", gem(3))";

/// The first is what the others are compared with.
pub(crate) fn features() -> Recipes {
    let mut recipes = named(&[
        ("the network's pooled features", "deep"),
        ("its classes", "semantic"),
        ("principal axes", "deep | center | pca(64)"),
        ("fewer of them", "deep | center | pca(32)"),
        ("whitened by half", "deep | whiten(64, 0.25)"),
        ("square roots first", "deep | power(0.5) | center | pca(64)"),
        ("windows of two scales", "deep(scales=2)"),
        ("and their axes", "deep(scales=2) | center | pca(32)"),
        ("an inner layer", INNER),
        ("colours", "color"),
        ("colours as they look", "lab"),
        ("texture", "texture"),
        ("gradients", "shape"),
        ("colour moments", "moments"),
        ("autocorrelogram", "correlogram"),
        ("kinds of edges", "edges"),
        ("layout of the scene", "gist"),
        ("local descriptors", "sift | vlad(64)"),
        ("and their axes", "sift | vlad(64) | pca(128)"),
        ("a mix of these, the usual without a network", MIX),
    ]);
    recipes.push(("the mix less its mean", format!("{MIX} | center")));
    recipes.push(("and its axes", format!("{MIX} | pca(64)")));
    recipes.push(("pixels and network", WITH_NETWORK.to_owned()));
    recipes
}

/// What neighbours add to the network's features and to their axes. The first is what the others are compared with.
pub(crate) fn neighbours() -> Recipes {
    let mut recipes = Recipes::new();
    for base in ["deep", "deep | center | pca(64)"] {
        let with = |why, steps: &str| (why, format!("{base}{steps}"));
        recipes.extend([
            with(if base == "deep" { "the network's pooled features" } else { "principal axes" }, ""),
            with("database-side augmentation", " | augment"),
            with("query expansion", " | expand"),
            with("both", " | augment | expand"),
            with("k-reciprocal re-ranking", " | reciprocal"),
            with("diffusion", " | diffuse"),
        ]);
    }
    recipes
}

/// What is used where there is no network: `Recipe::default_without_model`.
const MIX: &str = "0.2*color + 0.5*texture + 0.1*correlogram + 0.2*edges";
const WITH_NETWORK: &str = "0.8*deep + 0.1*color + 0.1*texture";

pub(crate) fn near_duplicates() -> Recipes {
    let mut recipes = named(&[
        ("the network's pooled features", "deep"),
        ("principal axes", "deep | center | pca(64)"),
        ("an inner layer", INNER),
    ]);
    recipes.extend([
        ("less the mean", format!("{INNER} | center")),
        ("whitened", format!("{INNER} | whiten(64)")),
        ("and gradients", format!("{INNER} + 0.3*shape")),
        ("both", format!("{INNER} + 0.3*shape | whiten(64)")),
    ]);
    recipes.extend(named(&[
        ("a mix of pixels", MIX),
        ("local descriptors", "sift | vlad(64)"),
        ("pHash", "phash"),
        ("of 256 bits", "phash(16)"),
        ("aHash", "ahash"),
        ("dHash", "dhash"),
        ("wHash", "whash"),
    ]));
    recipes
}

/// Whose scores are calibrated on near-duplicates.
pub(crate) fn calibrated() -> Vec<String> {
    let mixed = format!("{INNER} + 0.3*shape | whiten(64)");
    ["deep", INNER, &mixed, "deep | hash(itq, 64)", "phash"].map(str::to_owned).to_vec()
}

/// Of sources that look at fewer pixels of a large JPEG.
pub(crate) fn decoded() -> Vec<String> {
    ["deep", "deep | center | pca(64)", "color + texture + shape", MIX, "sift | vlad(64)"].map(str::to_owned).to_vec()
}

const SEEDS: usize = 5;

pub(crate) fn codes() -> Recipes {
    let mut recipes = named(&[
        ("the vectors", "deep"),
        ("64 axes", "deep | center | pca(64)"),
        ("32 axes", "deep | center | pca(32)"),
        ("16 axes", "deep | center | pca(16)"),
        ("the mean of its own sigmoids", "deep | hash(mean)"),
        ("the gallery's medians", "deep | hash(gallery-median)"),
        ("random projections", "deep | hash(lsh, 64)"),
        ("more of them", "deep | hash(lsh, 256)"),
    ]);
    for (why, before, bits) in [
        ("iterative quantisation", "deep", 32),
        ("as many bits as axes", "deep", 64),
        ("more of both", "deep", 128),
        ("twice as many bits as axes", "deep | center | pca(32)", 64),
        ("four times", "deep | center | pca(16)", 64),
        ("four times, of more", "deep | center | pca(32)", 128),
    ] {
        recipes.extend((0..SEEDS).map(|seed| (why, format!("{before} | hash(itq, {bits}, seed={seed})"))));
    }
    recipes
}

//! What `alike train` learns from the labels of a gallery, and what that finds for queries it never saw.

use crate::data::{data, network};
use crate::evaluation::{Evaluation, Gallery};
use crate::table::{features, head, line};
use std::path::Path;
use std::process::Command;

const SETS: [&str; 2] = ["corel1k", "zodiac-like"];

/// `None` where the test data aren't at hand.
pub(crate) fn table() -> Option<String> {
    let sets: Vec<&str> = SETS.into_iter().filter(|set| data().join(set).is_dir()).collect();
    if sets.is_empty() {
        return None;
    }
    let mut text = head("Learnt from the labels of each set's gallery, and asked about its queries.");
    let folder = tempfile::tempdir().expect("a temporary folder");
    for set in sets {
        line(&mut text, &format!("`{set}`:\n"));
        let learnt = |method: &str, recipe: &str| trained(set, method, recipe, folder.path());
        let (head, scales) = (learnt("softmax", "deep"), learnt("softmax", "deep(scales=2)"));
        let (lda, whitening) = (learnt("lda", "deep"), learnt("whitening", "deep"));
        let recipes = [
            ("the network's pooled features", "deep".to_owned()),
            ("a softmax head", format!("semantic(\"{head}\")")),
            ("the gallery augmented", format!("semantic(\"{head}\") | augment")),
            ("a head on windows of two scales", format!("semantic(\"{scales}\")")),
            ("roots of its probabilities", format!("semantic(\"{head}\") | power(0.5)")),
            ("features and head", format!("deep + semantic(\"{head}\")")),
            ("discriminant analysis", format!("deep | project(\"{lda}\")")),
            ("learned whitening", format!("deep | project(\"{whitening}\")")),
        ];
        let (why, recipes): (Vec<&str>, Vec<String>) = recipes.into_iter().unzip();
        let evaluation = Evaluation::of(Gallery::Lists(set), &recipes)?;
        let table = features(&why, &evaluation);
        line(&mut text, &table.replace(&format!("{}/", folder.path().display()), ""));
    }
    Some(text)
}

/// The file of what was learnt.
fn trained(set: &str, method: &str, recipe: &str, folder: &Path) -> String {
    let file = folder.join(format!("{set}, {recipe}, {method}"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_alike"));
    command
        .args(["train", "--method", method, "--recipe", recipe, "--list"])
        .arg(data().join(set).join("trainval.txt"));
    command.arg("--model").arg(network()).arg("-o").arg(&file);
    let output = command.output().expect("the program was just built");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    file.display().to_string()
}

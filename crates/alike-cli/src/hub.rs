//! Where networks are downloaded from, as the variables of the Hugging Face libraries and of curl say.

use crate::environment::set;
use alike::model::download::{Hub, Proxy};
use std::path::PathBuf;
use std::time::Duration;

/// `HF_ENDPOINT`, `HF_TOKEN`, `HF_HUB_OFFLINE`, the Hugging Face cache and the proxy.
pub(crate) fn hub() -> Hub {
    let endpoint = text("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".to_owned());
    Hub {
        token: text("HF_TOKEN"),
        proxy: proxy(&endpoint),
        hugging_face_cache: hugging_face_cache(),
        offline: text("HF_HUB_OFFLINE").is_some_and(|value| is_true(&value)),
        patience: Duration::from_secs(30),
        endpoint,
    }
}

fn text(name: &str) -> Option<String> {
    set(name)?.into_string().ok()
}

/// The spellings that the Hugging Face libraries take for yes.
fn is_true(value: &str) -> bool {
    ["1", "ON", "YES", "TRUE"].contains(&value.to_ascii_uppercase().as_str())
}

/// `HF_HUB_CACHE`, else `HF_HOME/hub`, else `huggingface/hub` in the user's cache folder (`XDG_CACHE_HOME`).
fn hugging_face_cache() -> Option<PathBuf> {
    use etcetera::BaseStrategy;
    if let Some(cache) = set("HF_HUB_CACHE") {
        return Some(cache.into());
    }
    let home = set("HF_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(etcetera::base_strategy::Xdg::new().ok()?.cache_dir().join("huggingface")));
    Some(home?.join("hub"))
}

fn proxy(endpoint: &str) -> Option<Proxy> {
    let names =
        if endpoint.starts_with("https:") { ["HTTPS_PROXY", "https_proxy"] } else { ["HTTP_PROXY", "http_proxy"] };
    let url = names.into_iter().chain(["ALL_PROXY", "all_proxy"]).find_map(text)?;
    let except = text("NO_PROXY").or_else(|| text("no_proxy")).unwrap_or_default();
    Some(Proxy { url, except: except.split(',').flat_map(hosts).collect() })
}

/// A name stands for its subdomains too, as everywhere but in the library that is told.
fn hosts(entry: &str) -> Vec<String> {
    let entry = entry.trim();
    match entry {
        "" => Vec::new(),
        "*" => vec!["*".to_owned()],
        name if name.starts_with(['.', '*']) => vec![name.to_owned(), name.trim_start_matches(['*', '.']).to_owned()],
        name => vec![name.to_owned(), format!(".{name}")],
    }
}

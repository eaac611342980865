//! Which networks and which runtime an engine may use. All of it is handed in: nothing is looked for in the environment.

use crate::model::runtime::Runtime;
use crate::model::{Model, ModelCache, ModelError};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Networks by name or hash, and the runtime that runs them.
pub struct Networks {
    given: Option<Arc<Model>>,
    cache: Option<ModelCache>,
    /// Those of the cache that somebody asked for, by hash.
    found: Mutex<HashMap<String, Arc<Model>>>,
    choose_runtime: Box<dyn Fn() -> Arc<dyn Runtime> + Send + Sync>,
    runtime: OnceLock<Arc<dyn Runtime>>,
}

/// Why a network can't be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworksError {
    /// Neither the given one nor one of the cache has the hash.
    #[error("no network with sha256 {sha256} in the cache{given}; pass --model FILE", given = given.as_ref().map(|g| format!(", and the one given is {g}")).unwrap_or_default())]
    Unknown {
        /// The hash that was looked for.
        sha256: String,
        /// The network that was given instead.
        given: Option<String>,
    },
    /// It is there, but can't be used.
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl Networks {
    /// `given` is the network the user named; `cache` holds those that collections were indexed with. The runtime is
    /// chosen when a network first runs, because finding a shared library takes time that a search without a network
    /// doesn't have.
    pub fn new(
        given: Option<Model>,
        cache: Option<ModelCache>,
        choose_runtime: impl Fn() -> Arc<dyn Runtime> + Send + Sync + 'static,
    ) -> Self {
        let (given, choose_runtime) = (given.map(Arc::new), Box::new(choose_runtime));
        Self { given, cache, found: Mutex::default(), choose_runtime, runtime: OnceLock::new() }
    }

    /// The network the user named.
    pub fn given(&self) -> Option<&Arc<Model>> {
        self.given.as_ref()
    }

    /// The network with this hash: the given one, or one of the cache.
    pub fn by_hash(&self, sha256: &str) -> Result<Arc<Model>, NetworksError> {
        if let Some(given) = self.given.as_ref().filter(|given| given.id().sha256 == sha256) {
            return Ok(Arc::clone(given));
        }
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(model) = found.get(sha256) {
            return Ok(Arc::clone(model));
        }
        let cached = self.cache.as_ref().map(|cache| cache.find(sha256)).transpose()?.flatten();
        let model = cached.map(Arc::new).ok_or_else(|| NetworksError::Unknown {
            sha256: sha256.to_owned(),
            given: self.given.as_ref().map(|given| given.id().to_string()),
        })?;
        found.insert(sha256.to_owned(), Arc::clone(&model));
        Ok(model)
    }

    /// Keeps the given network in the cache, so that later searches find it without being told.
    pub fn remember(&self) -> Result<(), ModelError> {
        match (&self.given, &self.cache) {
            (Some(model), Some(cache)) => cache.store(model),
            _ => Ok(()),
        }
    }

    /// The runtime, chosen at the first call.
    pub fn runtime(&self) -> &Arc<dyn Runtime> {
        self.runtime.get_or_init(|| (self.choose_runtime)())
    }
}

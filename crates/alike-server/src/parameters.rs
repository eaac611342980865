//! Requests' parts, checked, with refusals in our own form.

use crate::error::ApiError;
use crate::together::Wanted;
use alike::picture::Region;
use alike::rank::Neighbours;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum_extra::extract::Query;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::RangeInclusive;
use utoipa::IntoParams;

/// Most tags of one search.
const MOST_TAGS: usize = 16;

/// Most hits of one search.
const MOST_HITS: usize = 1000;

/// The query string as a `T`.
pub(crate) struct Parameters<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Parameters<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = Query::from_request_parts(parts, state).await;
        let Query(value) = query.map_err(|error| ApiError::bad("bad_parameter", error.body_text()))?;
        Ok(Self(value))
    }
}

/// The parameter, if it is one of these.
pub(crate) fn within<T: PartialOrd + Display>(name: &str, value: T, wanted: RangeInclusive<T>) -> Result<T, ApiError> {
    if wanted.contains(&value) {
        return Ok(value);
    }
    let (least, most) = wanted.into_inner();
    Err(ApiError::bad("bad_parameter", format!("{name} is {value}, wanted {least} to {most}")))
}

/// The id in an address.
pub(crate) struct Id(pub(crate) u64);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path: Result<Path<String>, _> = Path::from_request_parts(parts, state).await;
        let text = path.map(|Path(text)| text).unwrap_or_default();
        let id = text.parse().ok().filter(|id| *id <= i64::MAX as u64);
        id.map(Self).ok_or_else(|| {
            ApiError::bad("bad_id", format!("got `{text}` for an image, wanted the number that searches give as `id`"))
        })
    }
}

/// What is wanted of a search.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchParameters {
    /// How many hits, at most 1000.
    #[param(minimum = 1, maximum = 1000, default = 30)]
    #[serde(default = "usual_hits")]
    k: usize,
    /// A recipe of the collection, by its text or its canonical form; the first where none is named.
    pub(crate) recipe: Option<String>,
    /// Only pictures with this label, by id or by name.
    label: Option<String>,
    /// Only pictures with all of these tags.
    #[param(max_items = 16)]
    #[serde(default)]
    tag: Vec<String>,
    /// Only hits with at least this score.
    min_score: Option<f32>,
    /// How many nearest neighbours the query is drawn to first (alpha query expansion), in place of what the recipe says of
    /// it; for recipes that give vectors.
    #[param(minimum = 1, maximum = 1000)]
    expand: Option<usize>,
    /// The part of the query picture to search for, `left,top,width,height` in fractions of its sides.
    #[param(example = "0.25,0.1,0.5,0.5")]
    region: Option<String>,
}

fn usual_hits() -> usize {
    30
}

impl SearchParameters {
    pub(crate) fn wanted(&self) -> Result<Wanted, ApiError> {
        let k = within("k", self.k, 1..=MOST_HITS)?;
        let expand = self.expand.map(|count| within("expand", count, 1..=Neighbours::MOST)).transpose()?;
        let expand = expand.map(|count| Neighbours { count, ..Neighbours::DEFAULT });
        if self.min_score.is_some_and(|least| !least.is_finite()) {
            return Err(ApiError::bad("bad_parameter", "min_score is no number, wanted one such as 0.8"));
        }
        Ok(Wanted { k, label: self.label.clone(), tags: self.tags()?, min_score: self.min_score, expand })
    }

    /// Each once.
    fn tags(&self) -> Result<Vec<String>, ApiError> {
        let tags: BTreeSet<&String> = self.tag.iter().collect();
        let wanted = || ApiError::bad("bad_parameter", format!("got {} tags, wanted at most {MOST_TAGS}", tags.len()));
        if tags.len() > MOST_TAGS { Err(wanted()) } else { Ok(tags.into_iter().cloned().collect()) }
    }

    pub(crate) fn region(&self) -> Result<Option<Region>, ApiError> {
        let Some(text) = &self.region else { return Ok(None) };
        let numbers: Result<Vec<f64>, _> = text.split(',').map(|number| number.trim().parse()).collect();
        let region = match numbers.as_deref() {
            Ok(&[left, top, width, height]) => Region::new(left, top, width, height),
            _ => None,
        };
        let wanted = "left,top,width,height in fractions of the picture's sides, within 0 and 1";
        region.map(Some).ok_or_else(|| ApiError::bad("bad_region", format!("region is `{text}`, wanted {wanted}")))
    }
}

/// Which images to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParameters {
    /// Only pictures with this label, by id or by name.
    pub(crate) label: Option<String>,
    /// Only pictures with this tag.
    pub(crate) tag: Option<String>,
    /// How many to leave out at the beginning.
    #[serde(default)]
    pub(crate) offset: usize,
    /// How many, at most 1000.
    #[param(minimum = 1, maximum = 1000, default = 60)]
    #[serde(default = "usual_page")]
    limit: usize,
}

fn usual_page() -> usize {
    60
}

impl ListParameters {
    pub(crate) fn limit(&self) -> Result<usize, ApiError> {
        within("limit", self.limit, 1..=MOST_HITS)
    }
}

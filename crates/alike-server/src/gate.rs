//! Who gets in: no page of somebody else's, and nobody without the token where it is wanted.

use crate::api::refused_at_once;
use crate::error::ApiError;
use crate::service::{Access, Service};
use axum::extract::{Request, State};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, HOST, HeaderName, LOCATION, ORIGIN, REFERRER_POLICY,
    SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// The cookie that a browser gets for the token in the address.
pub(crate) const COOKIE_NAME: &str = "alike_token";

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Refuses foreign names, foreign pages, and those without the token where it is wanted.
pub(crate) async fn guard(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let access = &service.settings.access;
    let checked = check_source(access, &request).and_then(|()| match welcome(access, &request) {
        Some(welcome) => Ok(Some(welcome)),
        None => check_right(access, &request).map(|()| None),
    });
    match checked {
        Ok(Some(welcome)) => welcome,
        Ok(None) => next.run(request).await,
        Err(refusal) => refused_at_once(request, refusal).await.into_response(),
    }
}

/// Who opens the page with the token in its address gets a cookie for it, and an address without.
fn welcome(access: &Access, request: &Request) -> Option<Response> {
    let query = request.uri().query().filter(|_| request.uri().path() == "/")?;
    let token = query.split('&').find_map(|parameter| parameter.strip_prefix("token="))?;
    let wanted = access.token.as_deref().filter(|wanted| is_equal(token, wanted))?;
    let cookie = format!("{COOKIE_NAME}={wanted}; Path=/; HttpOnly; SameSite=Strict");
    Some((StatusCode::SEE_OTHER, [(LOCATION, "/"), (SET_COOKIE, &*cookie)]).into_response())
}

fn check_source(access: &Access, request: &Request) -> Result<(), ApiError> {
    let host = host(request)?;
    check_host(access, host)?;
    check_origin(request.headers(), host)
}

fn check_right(access: &Access, request: &Request) -> Result<(), ApiError> {
    let is_public = matches!(request.uri().path(), "/healthz" | "/readyz");
    if changes(request) || (access.guard_reads && !is_public) {
        check_token(access, request.headers())?;
    }
    Ok(())
}

/// Searching is asking, whatever its method.
fn changes(request: &Request) -> bool {
    !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS)
        && request.uri().path() != crate::api::SEARCH
}

fn host(request: &Request) -> Result<&str, ApiError> {
    let named = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let host = named.or_else(|| request.uri().authority().map(|authority| authority.as_str()));
    host.ok_or_else(|| ApiError::bad("no_host", "the request names no host: send a Host header"))
}

/// A name that somebody else's DNS answers for may point here (DNS rebinding), and his page would read what we send. An
/// address in numbers can't.
fn check_host(access: &Access, host: &str) -> Result<(), ApiError> {
    let name = without_port(host);
    let is_address = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    let is_ours = |known: &str| known.eq_ignore_ascii_case(name);
    if is_address || is_ours("localhost") || access.hosts.iter().any(|known| is_ours(known)) {
        return Ok(());
    }
    let message = format!("this server doesn't answer as `{name}`: start it with --host {name} if it should");
    Err(ApiError::new(StatusCode::FORBIDDEN, "foreign_host", message))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Browsers say whose page asks. Other programs say nothing.
fn check_origin(headers: &HeaderMap, host: &str) -> Result<(), ApiError> {
    let is_ours = |origin: &HeaderValue| {
        let origin = origin.to_str().unwrap_or_default();
        let bare = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        bare.is_some_and(|bare| bare.eq_ignore_ascii_case(host))
    };
    let says = |name: &str, value: &str| headers.get(name).is_some_and(|said| said == value);
    let is_foreign = says("sec-fetch-site", "cross-site") && !says("sec-fetch-mode", "navigate");
    if headers.get(ORIGIN).is_none_or(is_ours) && !is_foreign {
        return Ok(());
    }
    let message = "the request comes from another site's page, which may not ask here";
    Err(ApiError::new(StatusCode::FORBIDDEN, "foreign_origin", message))
}

fn check_token(access: &Access, headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(wanted) = &access.token else {
        return Err(ApiError::new(StatusCode::FORBIDDEN, "read_only", "this server changes nothing"));
    };
    match given(headers) {
        Some(given) if is_equal(given, wanted) => Ok(()),
        Some(_) => Err(ApiError::new(StatusCode::UNAUTHORIZED, "wrong_token", "the token isn't the server's")),
        None => {
            let message =
                "this needs the token that the server printed when it began: send `Authorization: Bearer TOKEN`";
            Err(ApiError::new(StatusCode::UNAUTHORIZED, "token_needed", message))
        }
    }
}

/// In a time that doesn't tell how much of it is right.
fn is_equal(given: &str, wanted: &str) -> bool {
    given.as_bytes().ct_eq(wanted.as_bytes()).into()
}

/// The token of a request's header, else of its cookie.
fn given(headers: &HeaderMap) -> Option<&str> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let is_bearer = |(scheme, _): &(&str, &str)| scheme.eq_ignore_ascii_case("bearer");
    let bearer = text(AUTHORIZATION).and_then(|value| value.split_once(' ')).filter(is_bearer).map(|(_, token)| token);
    let cookies = text(COOKIE).into_iter().flat_map(|cookies| cookies.split("; "));
    bearer.or_else(|| {
        cookies
            .filter_map(|cookie| cookie.split_once('='))
            .find(|(name, _)| *name == COOKIE_NAME)
            .map(|(_, value)| value)
    })
}

/// Whether a client has given the right token.
pub(crate) fn is_trusted(access: &Access, headers: &HeaderMap) -> bool {
    check_token(access, headers).is_ok()
}

/// What browsers shall not do with anything from here.
pub(crate) async fn harden(State(_): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    let mut set = |name: HeaderName, value| drop(headers.insert(name, HeaderValue::from_static(value)));
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(REFERRER_POLICY, "no-referrer");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

//! `UrlAdapter`: the URL map bound to one request, or to SERVER_NAME where there is none.
//!
//! Mirrors what `Flask.create_url_adapter` returns: Werkzeug's `MapAdapter`. Ours borrows from the
//! request that it is bound to, so a context keeps this instead and binds it when it is needed.
//!
//! Read next: `routing/map.rs`.

use std::borrow::Cow;

use http::header::UPGRADE;

use crate::config::Settings;
use crate::error::Error;
use crate::request::Request;
use crate::routing::{BindArgs, BuildError, Map, MapAdapter, RoutingException, RuleMatch};
use crate::value::Dict;
use crate::wrappers::HttpException;
use crate::wrappers::host::without_implied_port;
use crate::wrappers::idna::encode_domain;

#[derive(Clone, Debug)]
pub(crate) struct UrlAdapter {
    /// No rule is one for websockets, so that nothing answers such a request.
    wants_websocket: bool,
    /// Where it is not just what the request says. In a box, so that an adapter fits two registers.
    bound: Option<Box<Bound>>,
}

#[derive(Clone, Debug, Default)]
struct Bound {
    server_name: String,
    /// Only outside a request; a request knows its own.
    script_name: String,
    url_scheme: String,
}

impl UrlAdapter {
    // One of it is enough: see `trace/stage.rs`.
    #[inline(never)]
    pub(crate) fn for_request(request: &Request, settings: &Settings) -> Result<Self, Error> {
        if !settings.trusted_hosts.is_empty() {
            request.trusted_host(&settings.trusted_hosts)?;
        }
        let server_name = match &settings.server_name {
            Some(name) => {
                let name = name.to_lowercase();
                let name = on_the_wire(without_implied_port(request.scheme(), &name))?;
                Some(name.into_owned())
            }
            None if request.has_plain_host() => None,
            None => {
                let host = request.trusted_host(&[])?;
                on_the_wire(&host)?;
                Some(host)
            }
        };
        let bound = server_name.map(|server_name| Bound {
            server_name,
            ..Bound::default()
        });
        Ok(UrlAdapter {
            wants_websocket: wants_websocket(request),
            bound: bound.map(Box::new),
        })
    }

    #[inline]
    pub(crate) fn outside_request(settings: &Settings) -> Option<Self> {
        Some(UrlAdapter {
            wants_websocket: false,
            bound: Some(Box::new(Bound {
                server_name: outside_name(settings.server_name.as_deref()?),
                script_name: settings.application_root.clone(),
                url_scheme: settings.preferred_url_scheme.clone(),
            })),
        })
    }

    fn bind<'a>(&'a self, map: &'a Map, request: Option<&'a Request>) -> MapAdapter<'a> {
        match (request, self.bound.as_deref()) {
            (Some(request), bound) => {
                let server_name = bound.map(|bound| bound.server_name.as_str());
                let server_name = server_name.or_else(|| request.host_header());
                self.bind_to(map, request, server_name.unwrap_or_default())
            }
            (None, Some(bound)) => map.bind(BindArgs {
                server_name: &bound.server_name,
                script_name: &bound.script_name,
                url_scheme: &bound.url_scheme,
                ..BindArgs::default()
            }),
            (None, None) => map.bind(BindArgs::default()),
        }
    }

    fn bind_to<'a>(
        &self,
        map: &'a Map,
        request: &'a Request,
        server_name: &'a str,
    ) -> MapAdapter<'a> {
        map.bind(BindArgs {
            server_name,
            script_name: request.script_root(),
            url_scheme: request.scheme(),
            path_info: request.path_info(),
            default_method: request.method(),
            query_args: request.query_string(),
        })
    }

    /// The rule for the request, or the HTTP error or redirect in its place.
    #[inline]
    pub(crate) fn match_request(&self, map: &Map, request: &Request) -> Result<RuleMatch, Error> {
        let adapter = self.bind_to(map, request, "");
        let matched = match adapter.match_(None, None) {
            // Only a redirect has to know the host, which takes longer to read than most paths to match.
            Err(RoutingException::RequestRedirect { .. }) => {
                self.bind(map, Some(request)).match_(None, None)
            }
            matched => matched,
        };
        if self.wants_websocket && matched.is_ok() {
            return Err(HttpException::websocket_mismatch().into());
        }
        matched.map_err(|exception| {
            match exception {
                RoutingException::NotFound => HttpException::not_found(),
                RoutingException::MethodNotAllowed { valid_methods } => {
                    HttpException::method_not_allowed(valid_methods)
                }
                RoutingException::RequestRedirect { new_url } => {
                    HttpException::request_redirect(self.to_a_host(new_url))
                }
            }
            .into()
        })
    }

    /// The URL of a redirect. Where the client's `Host` was none (`a_b.example`), Werkzeug sends `http:///path`, and to a
    /// browser the path is the host then: whoever made the link would choose where it leads. A path alone stays here.
    fn to_a_host(&self, new_url: String) -> String {
        let has_no_host = matches!(&self.bound, Some(bound) if bound.server_name.is_empty());
        match new_url.split_once("://") {
            Some((_, path)) if has_no_host && path.starts_with('/') => path.to_owned(),
            _ => new_url,
        }
    }

    pub(crate) fn allowed_methods(&self, map: &Map, request: &Request) -> Vec<String> {
        self.bind(map, Some(request)).allowed_methods(None)
    }

    pub(crate) fn build(
        &self,
        map: &Map,
        request: Option<&Request>,
        endpoint: &str,
        values: &Dict,
        options: &BuildOptions<'_>,
    ) -> Result<String, Box<BuildError>> {
        let BuildOptions {
            method,
            scheme,
            external,
        } = *options;
        self.bind(map, request)
            .build(endpoint, values, method, external, true, scheme)
    }
}

/// The `_method`, `_scheme` and `_external` of `url_for`.
pub(crate) struct BuildOptions<'a> {
    pub(crate) method: Option<&'a str>,
    pub(crate) scheme: Option<&'a str>,
    pub(crate) external: bool,
}

/// The host as DNS knows it. Its port is no part of that.
fn on_the_wire(server_name: &str) -> Result<Cow<'_, str>, Error> {
    let (name, port) = server_name.split_at(server_name.find(':').unwrap_or(server_name.len()));
    match encode_domain(name) {
        Ok(Cow::Borrowed(_)) => Ok(Cow::Borrowed(server_name)),
        Ok(Cow::Owned(name)) => Ok(Cow::Owned(name + port)),
        Err(_) => Err(HttpException::bad_host().into()),
    }
}

/// SERVER_NAME outside a request. One that can't be a host's name is refused by each request.
fn outside_name(server_name: &str) -> String {
    let server_name = server_name.to_lowercase();
    match on_the_wire(&server_name) {
        Ok(Cow::Owned(name)) => name,
        _ => server_name,
    }
}

/// Whether the client asks for a websocket: by the scheme that the server gives, or by `Upgrade`.
#[inline]
fn wants_websocket(request: &Request) -> bool {
    let is_upgrade = |text: &str| {
        text.split(',').any(|option| {
            option
                .trim_matches([' ', '\t'])
                .eq_ignore_ascii_case("upgrade")
        })
    };
    matches!(request.scheme(), "ws" | "wss")
        || request.headers().contains_key(UPGRADE)
            && request
                .header("upgrade")
                .is_some_and(|upgrade| upgrade.eq_ignore_ascii_case("websocket"))
            && request
                .header("connection")
                .is_some_and(|text| is_upgrade(&text))
}

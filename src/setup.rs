//! `Setup`: what an app has registered.
//!
//! Mirrors the attributes that `flask/sansio/app.py` fills while an app is set up. An app replaces it as a
//! whole with each change, until its first request; from then on it stays as it is.
//!
//! Read next: `scaffold.rs`, for the functions in it.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use http::Method;
use indexmap::IndexMap;

use crate::app::App;
use crate::blueprint::BlueprintId;
use crate::error::Error;
use crate::hook::{BeforeFirstFunction, Hook, TeardownFunction, ViewFunction};
use crate::pace::Pace;
use crate::routing::{BindArgs, BuildError, Map, Rule, RuleError, RulePart};
use crate::scaffold::{Functions, Route};
use crate::session::{SecureCookieSessionInterface, SessionInterface};
use crate::value::Dict;

pub(crate) type UrlBuildErrorHandler =
    dyn Fn(&BuildError, &str, &Dict) -> Result<Option<String>, Error> + Send + Sync;

// ANCHOR: setup
/// All that is registered: the attributes of Flask's `App` that its setup methods fill.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) url_map: Arc<Map>,
    pub(crate) view_functions: HashMap<String, Hook<ViewFunction>, RandomState>,
    /// What is registered on the app itself.
    pub(crate) functions: Functions,
    /// What is registered on each blueprint, by its full name.
    pub(crate) blueprint_functions: HashMap<String, Functions, RandomState>,
    pub(crate) before_first_request_funcs: Vec<Hook<BeforeFirstFunction>>,
    pub(crate) teardown_appcontext_funcs: Vec<Hook<TeardownFunction>>,
    pub(crate) url_build_error_handlers: Vec<Arc<UrlBuildErrorHandler>>,
    pub(crate) blueprints: IndexMap<String, BlueprintId>,
    pub(crate) session_interface: Arc<dyn SessionInterface>,
    pub(crate) paces: Paces,
}
// ANCHOR_END: setup

/// Which requests may make their thread wait. Flask knows no such thing; a server asks.
#[derive(Clone)]
pub(crate) struct Paces {
    /// By the rule's address: a rule is what was declared, and several may lead to one endpoint.
    of_rule: HashMap<usize, Arc<Pace>, RandomState>,
    /// Of requests that no rule matches: their hooks run too.
    of_the_rest: Arc<Pace>,
    /// Of all, where the sessions themselves are waited for.
    blocking: Arc<Pace>,
}

impl Default for Paces {
    fn default() -> Self {
        Paces {
            of_rule: HashMap::default(),
            of_the_rest: Arc::new(Pace::learned()),
            blocking: Arc::new(Pace::declared(true)),
        }
    }
}

impl Paces {
    fn declare(&mut self, rule: &Arc<Rule>, blocking: Option<bool>) {
        let pace = blocking.map_or_else(Pace::learned, Pace::declared);
        self.of_rule
            .insert(Arc::as_ptr(rule).addr(), Arc::new(pace));
    }

    fn of(&self, rule: &Arc<Rule>) -> Option<&Arc<Pace>> {
        self.of_rule.get(&Arc::as_ptr(rule).addr())
    }
}

impl Setup {
    /// The pace of the request that matches so.
    pub(crate) fn pace(&self, method: &Method, path_info: &str) -> &Arc<Pace> {
        if self.session_interface.may_block() {
            return &self.paces.blocking;
        }
        let adapter = self.url_map.bind(BindArgs {
            path_info,
            default_method: method.as_str(),
            ..BindArgs::default()
        });
        let matched = adapter.match_(None, None).ok();
        matched
            .and_then(|matched| self.paces.of(&matched.rule))
            .unwrap_or(&self.paces.of_the_rest)
    }

    pub(crate) fn new() -> Self {
        Setup {
            url_map: Arc::default(),
            view_functions: HashMap::default(),
            functions: Functions::default(),
            blueprint_functions: HashMap::default(),
            before_first_request_funcs: Vec::new(),
            teardown_appcontext_funcs: Vec::new(),
            url_build_error_handlers: Vec::new(),
            blueprints: IndexMap::new(),
            session_interface: Arc::new(SecureCookieSessionInterface::new()),
            paces: Paces::default(),
        }
    }

    /// `Flask.add_url_rule`, but for the view: makes the rule that `insert_rule` puts in. Its converters are the app's
    /// code, so the setup is not locked meanwhile. `automatic` is `PROVIDE_AUTOMATIC_OPTIONS`.
    pub(crate) fn bind_rule(
        &self,
        route: Route,
        endpoint: &str,
        automatic: bool,
    ) -> Result<BoundRule, RuleError> {
        let mut methods = route.methods.unwrap_or_else(|| vec!["GET".to_owned()]);
        let has_options = methods.iter().any(|method| method == "OPTIONS");
        // A rule answers OPTIONS by itself unless its view wants to.
        let automatic = match route.provide_automatic_options {
            Some(provide) => provide,
            None => automatic && !has_options,
        };
        if automatic && route.provide_automatic_options.is_none() {
            methods.push("OPTIONS".to_owned());
        }
        let mut rule = Rule::try_new(route.rule, endpoint)?
            .with_methods(methods)
            .with_defaults(route.defaults)
            .with_automatic_options(automatic);
        rule.strict_slashes = route.strict_slashes;
        rule.merge_slashes = route.merge_slashes;
        rule.build_only = route.build_only;
        rule.alias = route.alias;
        rule.redirect_to = route.redirect_to;
        let parts = rule.bind(&self.url_map)?;
        Ok(BoundRule {
            rule: Arc::new(rule),
            parts,
            blocking: route.blocking,
        })
    }

    pub(crate) fn insert_rule(&mut self, bound: &BoundRule) -> Result<(), RuleError> {
        Arc::make_mut(&mut self.url_map).insert(&bound.rule, bound.parts.clone())?;
        self.paces.declare(&bound.rule, bound.blocking);
        Ok(())
    }
}

/// A rule whose converters are made.
pub(crate) struct BoundRule {
    rule: Arc<Rule>,
    parts: Vec<RulePart>,
    blocking: Option<bool>,
}

impl App {
    /// `app.url_map`: the rules by now, to look at.
    ///
    /// ```
    /// use carafe::{App, Dict, Scaffold, current_app, g, url_for};
    /// let mut app = App::new("shop");
    /// app.route("/<lang>/about", |_lang: String| url_for("lang_about").build());
    /// app.before_request(|| g().set("lang", "de"));
    /// // Puts the language into every URL that has one.
    /// app.url_defaults(|endpoint: &str, values: &mut Dict| {
    ///     if current_app().url_map().is_endpoint_expecting(endpoint, &["lang"]) {
    ///         values.setdefault("lang".to_owned(), g().get("lang").unwrap_or("en").into());
    ///     }
    /// });
    /// assert_eq!(app.test_client().get("/en/about").send()?.text(), "/de/about");
    /// # Ok::<(), carafe::Error>(())
    /// ```
    #[must_use]
    pub fn url_map(&self) -> Arc<Map> {
        Arc::clone(&self.setup().url_map)
    }
}

//! `Blueprint`: a part of an app, to be registered on it under a name and a URL prefix.
//!
//! Mirrors `flask/sansio/blueprints.py`. A blueprint records; nothing happens until it is registered.
//! Registering takes it by value, so that a change that would come too late does not compile; clone it
//! first to register it twice.
//!
//! Read next: `blueprint/app_wide.rs`, the forms for the whole app.

mod app_wide;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::app::App;
use crate::hook::{Hook, ViewFunction, view_hook};
use crate::scaffold::{Functions, Route, Scaffold};
use crate::value::{Dict, Value};
use crate::view::View;

/// Tells one blueprint from another of the same name; its clones share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlueprintId(u64);

type DeferredSetupFunction = dyn Fn(&mut BlueprintSetupState<'_>) + Send + Sync;

/// A part of an app. Flask: `Blueprint`.
///
/// ```
/// use carafe::{App, Blueprint, Scaffold, url_for};
/// let mut admin = Blueprint::new("admin").with_url_prefix("/admin");
/// admin.route("/", || url_for("admin.index").build());
/// let mut app = App::new("shop");
/// app.register_blueprint(admin);
/// assert_eq!(app.test_client().get("/admin/").send()?.text(), "/admin/");
/// # Ok::<(), carafe::Error>(())
/// ```
#[derive(Clone)]
// ANCHOR: blueprint
pub struct Blueprint {
    id: BlueprintId,
    name: String,
    url_prefix: Option<String>,
    url_values_defaults: Dict,
    functions: Functions,
    /// Views of endpoints of the whole app, for [`Scaffold::endpoint`].
    view_functions: Vec<(String, Hook<ViewFunction>)>,
    deferred_functions: Vec<Arc<DeferredSetupFunction>>,
    blueprints: Vec<(Blueprint, RegisterOptions)>,
}
// ANCHOR_END: blueprint

/// How a blueprint is registered: Flask's `**options` of `register_blueprint`.
#[derive(Clone, Debug, Default)]
pub struct RegisterOptions {
    name: Option<String>,
    url_prefix: Option<String>,
    url_defaults: Dict,
    /// The full name of the blueprint that it is nested in.
    name_prefix: String,
}

impl RegisterOptions {
    /// No options: the blueprint's own name and prefix.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Another name than the blueprint's own, to register it twice.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Another prefix than the blueprint's own.
    #[must_use]
    pub fn url_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.url_prefix = Some(prefix.into());
        self
    }

    /// One value that all of the blueprint's views get without its being in the URL.
    #[must_use]
    pub fn url_default(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.url_defaults.insert(name.into(), value.into());
        self
    }
}

/// A blueprint while it is being registered. Flask: `BlueprintSetupState`.
pub struct BlueprintSetupState<'a> {
    /// The app that it is registered on.
    pub app: &'a mut App,
    /// Whether this blueprint has not been registered on the app before, under any name.
    pub first_registration: bool,
    /// The prefix in force, those of the blueprints around it included.
    pub url_prefix: Option<String>,
    /// The full name: `outer.inner`.
    pub name: String,
    url_defaults: Dict,
}

impl BlueprintSetupState<'_> {
    /// `state.add_url_rule(rule, endpoint, view_func)`: a rule with the blueprint's prefix and defaults, and an endpoint
    /// under its name.
    ///
    /// ```
    /// use carafe::{App, Blueprint, url_for};
    /// let mut admin = Blueprint::new("admin").with_url_prefix("/admin");
    /// admin.record(|state| {
    ///     if state.app.config().settings().debug {
    ///         state.add_url_rule("/sql", "sql", || url_for("admin.sql").build());
    ///     }
    /// });
    /// let mut app = App::new("shop");
    /// app.config().set("DEBUG", true)?;
    /// app.register_blueprint(admin);
    /// assert_eq!(app.test_client().get("/admin/sql").send()?.text(), "/admin/sql");
    /// # Ok::<(), carafe::Error>(())
    /// ```
    ///
    /// # Panics
    /// As [`Scaffold::add_url_rule`].
    #[track_caller]
    pub fn add_url_rule<A, V: View<A>>(
        &mut self,
        route: impl Into<Route>,
        endpoint: &str,
        view: V,
    ) {
        self.add_rule(route.into(), endpoint, Some(view_hook(view)));
    }

    #[track_caller]
    // ANCHOR: add_rule_in_state
    fn add_rule(&mut self, mut route: Route, endpoint: &str, view: Option<Hook<ViewFunction>>) {
        if let Some(prefix) = &self.url_prefix {
            route.rule = if route.rule.is_empty() {
                prefix.clone()
            } else {
                join_prefix(prefix, &route.rule)
            };
        }
        let mut defaults = self.url_defaults.clone();
        defaults.extend(route.defaults);
        route.defaults = defaults;
        let endpoint = format!("{}.{endpoint}", self.name);
        self.app.add_rule(route, &endpoint, view);
    }
    // ANCHOR_END: add_rule_in_state
}

// ANCHOR: join_prefix
fn join_prefix(prefix: &str, rest: &str) -> String {
    format!(
        "{}/{}",
        prefix.trim_end_matches('/'),
        rest.trim_start_matches('/')
    )
}
// ANCHOR_END: join_prefix

impl Blueprint {
    /// A blueprint without a prefix.
    ///
    /// # Panics
    /// Where `name` is empty or has a dot in it: dots separate nested blueprints.
    #[must_use]
    #[track_caller]
    pub fn new(name: impl Into<String>) -> Self {
        static NEXT_ID: AtomicU64 = AtomicU64::new(0);
        let name = name.into();
        assert!(!name.is_empty(), "'name' may not be empty.");
        assert!(
            !name.contains('.'),
            "'name' may not contain a dot '.' character."
        );
        Blueprint {
            id: BlueprintId(NEXT_ID.fetch_add(1, Ordering::Relaxed)),
            name,
            url_prefix: None,
            url_values_defaults: Dict::new(),
            functions: Functions::default(),
            view_functions: Vec::new(),
            deferred_functions: Vec::new(),
            blueprints: Vec::new(),
        }
    }

    /// `url_prefix`: goes before every rule.
    #[must_use]
    pub fn with_url_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.url_prefix = Some(prefix.into());
        self
    }

    /// One of `url_defaults`: a value that all of its views get without its being in the URL.
    #[must_use]
    pub fn with_url_default(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.url_values_defaults.insert(name.into(), value.into());
        self
    }

    /// The blueprint's own name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    // ANCHOR: record
    /// `bp.record(f)`: runs `f` whenever the blueprint is registered.
    pub fn record(&mut self, f: impl Fn(&mut BlueprintSetupState<'_>) + Send + Sync + 'static) {
        self.deferred_functions.push(Arc::new(f));
    }
    // ANCHOR_END: record

    // ANCHOR: record_once
    /// `bp.record_once(f)`: runs `f` when the blueprint is first registered on an app.
    pub fn record_once(
        &mut self,
        f: impl Fn(&mut BlueprintSetupState<'_>) + Send + Sync + 'static,
    ) {
        self.record(move |state| {
            if state.first_registration {
                f(state);
            }
        });
    }
    // ANCHOR_END: record_once

    /// `bp.register_blueprint(blueprint)`: nests another one in it.
    pub fn register_blueprint(&mut self, blueprint: impl Into<Blueprint>) {
        self.register_blueprint_with(blueprint, RegisterOptions::new());
    }

    /// `bp.register_blueprint(blueprint, **options)`.
    pub fn register_blueprint_with(
        &mut self,
        blueprint: impl Into<Blueprint>,
        options: RegisterOptions,
    ) {
        self.blueprints.push((blueprint.into(), options));
    }

    /// Refuses the full `name` where a blueprint has it already, this one or another.
    #[track_caller]
    fn check_name(&self, registered: Option<&BlueprintId>, name: &str, self_name: &str) {
        let which = match registered {
            None => return,
            Some(id) if *id == self.id => "this",
            Some(_) => "a different",
        };
        let at = if self_name == name {
            String::new()
        } else {
            format!(" '{name}'")
        };
        panic!(
            "The name '{self_name}' is already registered for {which} blueprint{at}. Use \
             'name=' to provide a unique name."
        );
    }

    /// Registers it on `app`, and the blueprints nested in it after it.
    #[track_caller]
    pub(crate) fn register(&self, app: &mut App, options: RegisterOptions) {
        let self_name = options.name.as_deref().unwrap_or(&self.name);
        let name = format!("{}.{self_name}", options.name_prefix);
        let name = name.trim_start_matches('.').to_owned();
        let registered = app.setup();
        self.check_name(registered.blueprints.get(&name), &name, self_name);
        let first_registration = !registered.blueprints.values().any(|id| *id == self.id);
        drop(registered);
        app.change_setup("register_blueprint", |setup| {
            setup.blueprints.insert(name.clone(), self.id);
            setup
                .blueprint_functions
                .insert(name.clone(), self.functions.clone());
            let views = self.view_functions.iter().cloned();
            let replaced =
                views.map(|(endpoint, view)| setup.view_functions.insert(endpoint, view));
            replaced.collect::<Vec<_>>()
        });

        let url_prefix = options
            .url_prefix
            .clone()
            .or_else(|| self.url_prefix.clone());
        let mut url_defaults = self.url_values_defaults.clone();
        url_defaults.extend(options.url_defaults);
        let mut state = BlueprintSetupState {
            app,
            first_registration,
            url_prefix: url_prefix.clone(),
            name: name.clone(),
            url_defaults,
        };
        for deferred in &self.deferred_functions {
            deferred(&mut state);
        }

        // ANCHOR: register_nested
        for (blueprint, options) in &self.blueprints {
            let mut options = options.clone();
            let inner = options.url_prefix.or_else(|| blueprint.url_prefix.clone());
            options.url_prefix = match (&url_prefix, inner) {
                (Some(outer), Some(inner)) => Some(join_prefix(outer, &inner)),
                (outer, inner) => inner.or_else(|| outer.clone()),
            };
            options.name_prefix.clone_from(&name);
            blueprint.register(app, options);
        }
        // ANCHOR_END: register_nested
    }
}

impl Scaffold for Blueprint {
    fn setup_method<R>(&mut self, _f_name: &str, change: impl FnOnce(&mut Functions) -> R) -> R {
        change(&mut self.functions)
    }

    #[track_caller]
    // ANCHOR: add_rule
    fn add_rule(&mut self, route: Route, endpoint: &str, view: Option<Hook<ViewFunction>>) {
        assert!(
            !endpoint.contains('.'),
            "'endpoint' may not contain a dot '.' character."
        );
        let endpoint = endpoint.to_owned();
        self.record(move |state| state.add_rule(route.clone(), &endpoint, view.clone()));
    }
    // ANCHOR_END: add_rule

    fn set_endpoint(&mut self, endpoint: &str, view: Hook<ViewFunction>) {
        self.view_functions.push((endpoint.to_owned(), view));
    }
}

impl fmt::Debug for Blueprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<Blueprint {:?}>", self.name)
    }
}

impl fmt::Debug for BlueprintSetupState<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlueprintSetupState")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

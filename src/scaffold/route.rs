//! `Route`: one URL rule with its options.
//!
//! Mirrors the arguments of `route` and `add_url_rule` in `flask/sansio/scaffold.py`, and those that they pass on to
//! Werkzeug's `Rule`.
//!
//! Read next: `setup.rs`, where it becomes a rule of the URL map.

use crate::value::{Dict, Value};

/// The options of one URL rule: what Flask passes to `route` by keyword. A plain `&str` is a route
/// with none.
///
/// ```
/// use carafe::{App, Route, Scaffold};
/// let mut app = App::new("shop");
/// app.route("/", || "index");
/// app.route(Route::new("/cart").methods(["GET", "POST"]).endpoint("cart"), || "cart");
/// ```
#[derive(Clone, Debug)]
pub struct Route {
    pub(crate) rule: String,
    pub(crate) endpoint: Option<String>,
    pub(crate) methods: Option<Vec<String>>,
    pub(crate) defaults: Dict,
    pub(crate) strict_slashes: Option<bool>,
    pub(crate) merge_slashes: Option<bool>,
    pub(crate) build_only: bool,
    pub(crate) alias: bool,
    pub(crate) redirect_to: Option<String>,
    pub(crate) provide_automatic_options: Option<bool>,
    pub(crate) blocking: Option<bool>,
}

impl Route {
    /// A rule in Werkzeug's syntax, such as `/user/<int:id>`.
    pub fn new(rule: impl Into<String>) -> Self {
        Route {
            rule: rule.into(),
            endpoint: None,
            methods: None,
            defaults: Dict::new(),
            strict_slashes: None,
            merge_slashes: None,
            build_only: false,
            alias: false,
            redirect_to: None,
            provide_automatic_options: None,
            blocking: None,
        }
    }

    /// The endpoint's name. Without it a route takes the name of its view function, or of its rule
    /// where the view is a closure: `/user/<int:id>` is `user_id`, `/` is `index`. So of two closures for one rule,
    /// as for GET and for POST, one wants an endpoint:
    ///
    /// ```
    /// use carafe::{App, Route, Scaffold};
    /// let mut app = App::new("shop");
    /// app.get("/cart", || "what is in it");
    /// app.post(Route::new("/cart").endpoint("add_to_cart"), || "added");
    /// ```
    #[must_use]
    pub fn endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// The methods it answers to; GET without this. HEAD comes with GET.
    #[must_use]
    pub fn methods<M: Into<String>>(mut self, methods: impl IntoIterator<Item = M>) -> Self {
        self.methods = Some(
            methods
                .into_iter()
                .map(|m| m.into().to_uppercase())
                .collect(),
        );
        self
    }

    /// One value that the view gets without its being in the URL.
    #[must_use]
    pub fn default(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.defaults.insert(name.into(), value.into());
        self
    }

    /// `strict_slashes`: with `false`, a missing or extra slash at the end makes no difference.
    #[must_use]
    pub fn strict_slashes(mut self, strict: bool) -> Self {
        self.strict_slashes = Some(strict);
        self
    }

    /// `merge_slashes`: with `false`, `//` in a path is kept and not redirected.
    #[must_use]
    pub fn merge_slashes(mut self, merge: bool) -> Self {
        self.merge_slashes = Some(merge);
        self
    }

    /// `build_only`: the rule is there for `url_for`, and no request matches it.
    ///
    /// ```
    /// use carafe::{App, Route, Scaffold, url_for};
    /// let mut app = App::new("shop");
    /// app.add_endpoint_rule(Route::new("/static/<path:name>").build_only(true), "static");
    /// app.route("/", || url_for("static").arg("name", "style.css").build());
    /// let mut client = app.test_client();
    /// assert_eq!(client.get("/").send()?.text(), "/static/style.css");
    /// assert_eq!(client.get("/static/style.css").send()?.status_code(), 404);
    /// # Ok::<(), carafe::Error>(())
    /// ```
    #[must_use]
    pub fn build_only(mut self, build_only: bool) -> Self {
        self.build_only = build_only;
        self
    }

    /// `alias`: a request for it is redirected to another rule of the same endpoint.
    ///
    /// ```
    /// use carafe::{App, Route, Scaffold};
    /// let mut app = App::new("shop");
    /// app.route("/cart", || "a pear");
    /// app.add_endpoint_rule(Route::new("/cart.html").alias(true), "cart");
    /// let response = app.test_client().get("/cart.html").send()?;
    /// assert_eq!(response.header("Location").as_deref(), Some("http://localhost/cart"));
    /// # Ok::<(), carafe::Error>(())
    /// ```
    #[must_use]
    pub fn alias(mut self, alias: bool) -> Self {
        self.alias = alias;
        self
    }

    /// `redirect_to`: a request is redirected there, below the app's root; the rule's variables may stand in it, as in
    /// `"user/<id>"`.
    ///
    /// ```
    /// use carafe::{App, Route, Scaffold};
    /// let mut app = App::new("shop");
    /// app.route("/user/<int:id>", |id: u32| format!("user {id}"));
    /// app.add_endpoint_rule(Route::new("/member/<int:id>").redirect_to("user/<id>"), "member");
    /// let response = app.test_client().get("/member/7").follow_redirects().send()?;
    /// assert_eq!(response.text(), "user 7");
    /// # Ok::<(), carafe::Error>(())
    /// ```
    ///
    /// # Panics
    /// Registering it does, where a variable stands in `target` that the rule does not have.
    #[must_use]
    pub fn redirect_to(mut self, target: impl Into<String>) -> Self {
        self.redirect_to = Some(target.into());
        self
    }

    /// `provide_automatic_options`: with `false`, OPTIONS is not answered for the view.
    #[must_use]
    pub fn provide_automatic_options(mut self, provide: bool) -> Self {
        self.provide_automatic_options = Some(provide);
        self
    }

    /// Whether the view, or a function that runs before or after it, may make its thread wait: for a
    /// database, a lock, another server. A server runs what does not wait where it is, and what does on a thread of its pool.
    /// Without this it watches the route for a while, and treats it as one that waits until then.
    #[must_use]
    pub fn blocking(mut self, blocking: bool) -> Self {
        self.blocking = Some(blocking);
        self
    }
}

impl From<&str> for Route {
    fn from(rule: &str) -> Self {
        Route::new(rule)
    }
}

impl From<String> for Route {
    fn from(rule: String) -> Self {
        Route::new(rule)
    }
}

/// What a closure's endpoint is called: the words of its rule.
pub(super) fn endpoint_from_rule(rule: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for piece in rule
        .split(['/', '<', '>', '.'])
        .filter(|piece| !piece.is_empty())
    {
        // "int(min=1):id" is the variable id.
        let name = piece.rsplit(':').next().unwrap_or(piece);
        words.push(name.replace(|c: char| !c.is_alphanumeric(), "_"));
    }
    if words.is_empty() {
        "index".to_owned()
    } else {
        words.join("_")
    }
}

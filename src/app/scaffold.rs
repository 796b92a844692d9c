//! `Scaffold for App`: how what is registered on the app itself gets into its setup.
//!
//! Mirrors `add_url_rule` of `flask/sansio/app.py`, and what `flask/sansio/scaffold.py` leaves to it.
//!
//! Read next: `../setup.rs`, where it goes; `../blueprint/`, for what is registered on a blueprint.

use super::App;
use crate::hook::{Hook, ViewFunction};
use crate::scaffold::{Functions, Route, Scaffold};

impl App {
    // ANCHOR: set_view
    #[track_caller]
    fn set_view(&mut self, endpoint: &str, view: &Hook<ViewFunction>) {
        let hint = view.endpoint_hint(endpoint);
        let refused = self.change_setup("add_url_rule", |setup| {
            if let Some(there) = setup.view_functions.get(endpoint) {
                return !there.is_same(view);
            }
            let endpoint = endpoint.to_owned();
            setup.view_functions.insert(endpoint, view.clone());
            false
        });
        assert!(
            !refused,
            "View function mapping is overwriting an existing endpoint function: {endpoint}{hint}"
        );
    }
    // ANCHOR_END: set_view
}

impl Scaffold for App {
    #[track_caller]
    fn setup_method<R>(&mut self, f_name: &str, change: impl FnOnce(&mut Functions) -> R) -> R {
        self.change_setup(f_name, |setup| change(&mut setup.functions))
    }

    #[track_caller]
    fn add_rule(&mut self, route: Route, endpoint: &str, view: Option<Hook<ViewFunction>>) {
        let automatic = self.config().settings().provide_automatic_options;
        let rule = route.rule.clone();
        self.check_setup_finished("add_url_rule");
        let bound = self.setup().bind_rule(route, endpoint, automatic);
        let added = bound
            .and_then(|bound| self.change_setup("add_url_rule", |setup| setup.insert_rule(&bound)));
        if let Err(error) = added {
            let message = error.to_string();
            // A blueprint's rules are added when it is registered: the panic's place does not say which one it was.
            assert!(!message.contains(&rule), "{message}");
            panic!("{message} (in the URL rule '{rule}')");
        }
        if let Some(view) = view {
            self.set_view(endpoint, &view);
        }
    }

    #[track_caller]
    fn set_endpoint(&mut self, endpoint: &str, view: Hook<ViewFunction>) {
        self.change_setup("endpoint", |setup| {
            setup.view_functions.insert(endpoint.to_owned(), view)
        });
    }
}

//! What leads to the app moves from PATH_INFO to SCRIPT_NAME: the app finds its own paths in the one,
//! and puts the other in front of every URL that it builds.

use carafe::wsgi::{Body, Environ, StartResponse, WsgiApp};
use carafe::{App, Error};

// ANCHOR: site
pub(crate) fn create_site(blog: App, shop: App) -> impl WsgiApp {
    Site { blog, shop }
}

struct Site {
    blog: App,
    shop: App,
}

/// What is left of `path` below `prefix`, if it is there: `""`, or a path of its own.
fn below(path: &str, prefix: &str) -> Option<String> {
    let rest = path.strip_prefix(prefix)?;
    (rest.is_empty() || rest.starts_with('/')).then(|| rest.to_owned())
}

impl WsgiApp for Site {
    fn call(
        &self,
        mut environ: Environ,
        start_response: &mut dyn StartResponse,
    ) -> Result<Body, Error> {
        let Some(rest) = below(&environ.path_info, "/shop") else {
            return self.blog.call(environ, start_response);
        };
        environ.script_name.push_str("/shop");
        environ.path_info = rest;
        self.shop.call(environ, start_response)
    }
}
// ANCHOR_END: site

//! Finds the right app, and hands it the environ as it came.

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

impl WsgiApp for Site {
    fn call(
        &self,
        environ: Environ,
        start_response: &mut dyn StartResponse,
    ) -> Result<Body, Error> {
        if environ.path_info.starts_with("/shop") {
            self.shop.call(environ, start_response)
        } else {
            self.blog.call(environ, start_response)
        }
    }
}
// ANCHOR_END: site

//! An app mounted in an axum router: `cargo test --features axum --test tower`

#![allow(clippy::expect_used)]

use std::sync::mpsc;
use std::thread;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::routing::get;
use carafe::tower::TowerService;
use carafe::{
    App, Error, Response, Route, Scaffold, g, request, session, stream_with_context, url_for,
};
use http::{Request, StatusCode};
use tokio::runtime::{Builder, Runtime};
use tower_service::Service;

fn shop() -> App {
    let mut app = App::new("shop");
    app.config().set_secret_key("adavafa");
    app.get("/", || request().script_root().to_owned());
    app.get("/cart", || "the cart");
    app.get("/link", || url_for("cart").build());
    app.get("/count", || -> Result<String, Error> {
        let n = session().get("n").unwrap_or(0) + 1;
        session().insert("n", n)?;
        Ok(n.to_string())
    });
    app.post("/echo", || request().get_data());
    app.get("/client", || format!("{:?}", request().remote_addr()));
    app.get("/stream", || {
        Response::stream(stream_with_context(["a", "b"].map(String::from)))
    });
    app.get("/fail", || -> Result<&str, Error> {
        Err(Error::runtime("no"))
    });
    app.get(Route::new("/quick").blocking(false), thread_name);
    app.get(Route::new("/slow").blocking(true), thread_name);
    app
}

fn thread_name() -> String {
    thread::current().name().unwrap_or("none").to_owned()
}

fn runtime() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder
        .worker_threads(2)
        .thread_name("router")
        .build()
        .expect("a runtime")
}

/// Sends requests to a router, on the threads of a runtime as axum does.
struct Client {
    runtime: Runtime,
    router: Router,
}

impl Client {
    fn new() -> Self {
        let shop = TowerService::new(shop())
            .script_name("/shop")
            .remote_addr(|extensions| extensions.get().map(|ConnectInfo(address)| *address));
        let router = Router::new()
            .route("/", get(async || "axum answers this"))
            .nest_service("/shop", shop)
            .fallback_service(self::shop());
        Client {
            runtime: runtime(),
            router,
        }
    }

    fn send(&self, request: Request<Body>) -> http::Response<Vec<u8>> {
        let mut router = self.router.clone();
        let answering = self.runtime.spawn(async move {
            let response = router.call(request).await.expect("a router does not fail");
            let (parts, body) = response.into_parts();
            let body = to_bytes(body, usize::MAX).await.expect("a whole body");
            http::Response::from_parts(parts, body.to_vec())
        });
        self.runtime.block_on(answering).expect("no panic")
    }

    fn get(&self, path: &str) -> String {
        let request = Request::get(path)
            .header("host", "localhost")
            .body(Body::empty());
        let response = self.send(request.expect("a request"));
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        String::from_utf8(response.into_body()).expect("text")
    }
}

#[test]
fn a_router_answers_what_it_has_a_route_for_and_the_app_the_rest() {
    let client = Client::new();
    assert_eq!(client.get("/"), "axum answers this");
    assert_eq!(client.get("/shop/cart"), "the cart");
    // The app itself is the router's fallback, at the root.
    assert_eq!(client.get("/cart"), "the cart");
}

#[test]
fn the_path_that_the_router_took_off_is_the_script_name() {
    let client = Client::new();
    assert_eq!(client.get("/shop/"), "/shop");
    assert_eq!(client.get("/shop/link"), "/shop/cart");
    assert_eq!(client.get("/link"), "/cart");
}

#[test]
fn a_session_comes_back() {
    let client = Client::new();
    let visit = |cookie: Option<&str>| {
        let mut request = Request::get("/shop/count").header("host", "localhost");
        if let Some(cookie) = cookie {
            request = request.header("cookie", cookie);
        }
        client.send(request.body(Body::empty()).expect("a request"))
    };
    let first = visit(None);
    let cookie = first.headers()["set-cookie"].to_str().expect("a cookie");
    let cookie = cookie.split(';').next();
    assert_eq!(visit(cookie).into_body(), b"2");
}

#[test]
fn a_body_arrives_and_a_stream_leaves() {
    let client = Client::new();
    let upload = vec![b'x'; 300_000];
    let request = Request::post("/shop/echo").header("host", "localhost");
    let response = client.send(request.body(Body::from(upload.clone())).expect("a request"));
    assert_eq!(response.into_body(), upload);
    assert_eq!(client.get("/shop/stream"), "ab");
}

#[test]
fn the_client_is_who_the_router_says() {
    let client = Client::new();
    let mut request = Request::get("/shop/client").header("host", "localhost");
    let address: std::net::SocketAddr = "10.1.2.3:4567".parse().expect("an address");
    request = request.extension(ConnectInfo(address));
    let response = client.send(request.body(Body::empty()).expect("a request"));
    assert_eq!(response.into_body(), b"Some(10.1.2.3)");
}

#[test]
fn what_does_not_wait_runs_where_it_is_and_what_does_in_the_pool() {
    let client = Client::new();
    // Setup is over with the first request; until then nothing is known of any route.
    client.get("/shop/cart");
    assert_eq!(client.get("/shop/quick"), "router");
    assert_eq!(client.get("/shop/slow"), "carafe-pool");
}

#[test]
fn a_view_that_waits_keeps_nobody_else_waiting() {
    let (go, gate) = mpsc::sync_channel::<()>(16);
    let gate = std::sync::Mutex::new(gate);
    let mut app = App::new("waits");
    app.get("/wait", move || {
        gate.lock().expect("the gate").recv().expect("the word");
        "waited"
    });
    app.get("/", || "here");
    let service = TowerService::new(app).pool(4);
    let one_thread = Builder::new_current_thread().build().expect("a runtime");
    one_thread.block_on(async {
        let call = |path: &str| {
            let request = Request::get(path).header("host", "localhost");
            let request = request.body(String::new()).expect("a request");
            service.clone().call(request)
        };
        let waiting: Vec<_> = (0..3).map(|_| tokio::spawn(call("/wait"))).collect();
        tokio::task::yield_now().await;
        let response = call("/").await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        for _ in &waiting {
            go.send(()).expect("a view that waits");
        }
        for request in waiting {
            let response = request.await.expect("no panic").expect("an answer");
            assert_eq!(response.status(), StatusCode::OK);
        }
    });
}

#[test]
fn an_error_that_leaves_the_app_is_a_bare_500() {
    let mut app = shop();
    app.config().set("TESTING", true).expect("a setting");
    app.get("/late", || "late");
    let router = Router::new().fallback_service(app);
    let client = Client {
        runtime: runtime(),
        router,
    };
    let request = Request::get("/fail").header("host", "localhost");
    let response = client.send(request.body(Body::empty()).expect("a request"));
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(response.into_body(), b"Internal Server Error\n");
}

#[test]
fn a_router_that_is_called_within_a_context_leaves_it_there() {
    let app = shop();
    let service = TowerService::new(app.clone());
    let one_thread = Builder::new_current_thread().build().expect("a runtime");
    let visited = app.app_context().with(|| {
        g().set("mine", true);
        for _ in 0..2 {
            let request = Request::get("/quick").header("host", "localhost");
            let request = request.body(String::new()).expect("a request");
            let response = one_thread.block_on(service.clone().call(request));
            assert_eq!(response.expect("an answer").status(), StatusCode::OK);
        }
        g().get("mine")
    });
    assert_eq!(visited.expect("a context"), Some(true));
}

//! That it is safe to look at: nothing of a client is more than text, and no secret is shown.

use std::collections::BTreeSet;

use base64::Engine;
use carafe::middleware::DebuggedApplication;
use carafe::wrappers::EnvironBuilder;
use carafe::{App, Error, HttpException, Scaffold, g, request, session};
use sha2::Digest;

use super::common::fail;
use super::{HTML, app, call, from_browser};

#[test]
fn the_page_may_do_nothing_but_have_its_own_style() {
    let mut app = app();
    app.route("/", fail);
    let answer = call(&DebuggedApplication::new(app), from_browser("/")).unwrap();
    let (_, rest) = answer.text.split_once("<style>").unwrap();
    let (style, _) = rest.split_once("</style>").unwrap();
    let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(style));
    assert_eq!(
        answer.header("content-security-policy"),
        format!(
            "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'"
        )
    );
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("cache-control"), "no-store");
    // Were there no policy, there would be nothing to fetch either.
    for word in ["src=", "url(", "@import", "<link", "<script", "style=\""] {
        assert!(!answer.text.contains(word), "{word}");
    }
}

/// The tags of a page, each with its attributes, numbers aside.
fn tags(html: &str) -> BTreeSet<String> {
    let tags = html.split('<').skip(1).map(|after| {
        let (tag, _) = after.split_once('>').expect("a tag ends");
        let tag = tag.replace(|c: char| c.is_ascii_digit(), "");
        tag.replace(" id=\"raised\"", "")
    });
    tags.collect()
}

/// An app that shows as much as it can of what a client sent.
fn talkative() -> App {
    fn tell() -> Result<String, Error> {
        let told = request().args().get("told").unwrap_or_default().to_owned();
        session().insert(&told, &told)?;
        g().set(told.clone(), 1);
        tracing::info!("said {told}");
        tracing::info_span!("span", told).in_scope(|| ());
        let original = Error::runtime(told.clone());
        Err(HttpException::internal_server_error(Some(original))
            .with_description(told)
            .into())
    }
    let mut app = app();
    app.config().set("TRAP_HTTP_EXCEPTIONS", true).unwrap();
    app.route("/tell", tell);
    app.route("/tell/<path:more>", |_: String| tell());
    app.route("/panic", || -> String {
        panic!("{}", request().args().get("told").unwrap_or_default())
    });
    app
}

#[test]
fn nothing_that_a_client_sends_is_more_than_text_on_the_page() {
    let app = talkative();
    let site = DebuggedApplication::new(app);
    let mut usual = BTreeSet::new();
    for path in ["/tell?told=a", "/panic?told=b", "/tell/c"] {
        let request = from_browser(path)
            .header("Cookie", "a=b")
            .header("X-Told", "d");
        usual.extend(tags(&call(&site, request).unwrap().text));
    }
    let pieces = [
        "<",
        ">",
        "\"",
        "'",
        "&",
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "-->",
        "</style>",
        "</title>",
        "</pre>",
        "]]>",
        "&lt;",
        "&#0;",
        "\u{202e}",
        "\u{200b}",
        "é",
        "☃",
        "a",
        " ",
        "\u{1b}[2J",
        "\r\n",
        "\n",
        "\t",
        "\0",
        "\u{85}",
        "\u{2028}",
        "javascript:",
        "=",
        "`",
        "{{",
        "\\",
    ];
    let mut rng = fastrand::Rng::with_seed(1);
    let mut hostile = || -> String {
        let pieces = (0..rng.usize(1..8)).map(|_| pieces[rng.usize(..pieces.len())]);
        pieces.collect()
    };
    for round in 0..400 {
        let path = ["/tell", "/panic", "/tell/"][round % 3];
        let mut path = path.to_owned();
        if path.ends_with('/') {
            let more = hostile();
            path.push_str(&percent(&more));
        }
        let sent = hostile();
        let in_header = |text: String| text.replace(|c: char| c.is_control(), "");
        let request = EnvironBuilder::new(path)
            .query_string(format!("told={}", percent(&sent)))
            .header("X-Told", in_header(hostile()))
            .header("Cookie", in_header(hostile()))
            .header("Referer", in_header(hostile()));
        let html = call(&site, request.clone().header("Accept", HTML)).unwrap();
        assert_eq!(html.status, 500);
        let more: Vec<_> = tags(&html.text).difference(&usual).cloned().collect();
        assert!(more.is_empty(), "{more:?} of {sent:?}");
        let text = call(&site, request).unwrap();
        for answer in [html, text] {
            let hidden = |c: char| {
                (c.is_control() && c != '\n') || matches!(c, '\u{202e}' | '\u{200b}' | '\u{2028}')
            };
            let found = answer.text.find(hidden);
            assert_eq!(
                found,
                None,
                "{sent:?}: {:?}",
                found.map(|at| &answer.text[at..])
            );
        }
    }
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[test]
fn neither_the_secret_key_nor_what_lets_somebody_in_is_shown() {
    let mut app = app();
    app.config().set_secret_key("the-key-that-signs");
    app.route("/login", || {
        session().insert("username", "jack")?;
        Ok::<_, Error>("welcome")
    });
    app.route("/", || -> Result<String, Error> {
        session().insert("seen", true)?;
        fail().map(str::to_owned)
    });
    let login = app.test_client().get("/login").send().unwrap();
    let cookie = login.header("Set-Cookie").unwrap();
    let cookie = cookie.split(';').next().unwrap();
    let (rest, signature) = cookie.rsplit_once('.').unwrap();
    let payload = rest.strip_prefix("session=").unwrap();

    let site = DebuggedApplication::new(app);
    for accept in [HTML, "*/*"] {
        let request = EnvironBuilder::new("/")
            .header("Accept", accept)
            .header("Cookie", format!("{cookie}; theme=midnight; bare-value"))
            .header("Authorization", "Bearer let-me-in")
            .header("Proxy-Authorization", "Basic let-me-in")
            .header("X-Api-Key", "let-me-in")
            .header("X-CSRF-Token", "let-me-in");
        let text = call(&site, request).unwrap().text;
        for secret in [
            "the-key-that-signs",
            signature,
            payload,
            "let-me-in",
            "midnight",
            "bare-value",
        ] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        assert!(text.contains("session=(hidden); theme=(hidden); (hidden)"));
        assert!(text.contains("signature right"));
        // What is in the session is what one looks for.
        assert!(text.contains("jack"));
    }
}

//! What a trace shows of a store that has its commands run on other threads: as much as of any.

use carafe::session::ServerSideSessionInterface;
use carafe::trace::{Kind, record};
use carafe::{App, Error, Scaffold, session};

use crate::servers;

/// The first words of the commands of three visits: a new session, a change of it, and its end.
fn commands(url: &str) -> Vec<String> {
    let mut app = App::new("shown");
    app.session_interface(ServerSideSessionInterface::from_url(url).unwrap());
    app.get("/set/<value>", |value: String| {
        session().insert("color", value)?;
        Ok::<_, Error>("set")
    });
    app.get("/logout", || {
        session().clear()?;
        Ok::<_, Error>("bye")
    });
    let mut client = app.test_client();
    let mut commands = Vec::new();
    for path in ["/set/red", "/set/blue", "/logout"] {
        let (answer, trace) = record(|| client.get(path).send());
        assert_eq!(answer.unwrap().status_code(), 200);
        let shown = trace.iter().filter(|step| step.kind == Kind::Command);
        commands.extend(shown.map(|step| step.name.split(' ').next().unwrap().to_owned()));
    }
    commands
}

#[cfg(feature = "postgres")]
#[test]
fn each_statement_for_postgres_is_shown() {
    let Some(server) = servers::postgres() else {
        return;
    };
    let url = format!("postgres://carafe@127.0.0.1:{}/postgres", server.port());
    assert_eq!(
        commands(&url),
        ["WITH", "SELECT", "WITH", "SELECT", "DELETE"]
    );
}

#[cfg(feature = "mysql")]
#[test]
fn each_statement_for_mysql_is_shown_and_the_second_one_only_if_it_is_needed() {
    let Some(server) = servers::mariadb() else {
        return;
    };
    let url = format!("mysql://root@127.0.0.1:{}/test", server.port());
    assert_eq!(
        commands(&url),
        ["UPDATE", "INSERT", "SELECT", "UPDATE", "SELECT", "DELETE"]
    );
}

//! What a URL of MongoDB says: Carafe's parameters, and those that are the driver's.
//!
//! Read next: `refusal.rs`.

use mongodb::error::Error;
use mongodb::options::{ClientOptions, WriteConcern};
use mongodb::sync::Client;

use super::refusal::{A_LOOK, Refusal};
use super::{MongoOptions, MongoStore, NAME};
use crate::session::store::{Store, StoreError, StoreUrl};

/// What the driver takes in a URL.
const PARAMETERS: &[&str] = &[
    "adaptiveRetries",
    "appName",
    "authMechanism",
    "authMechanismProperties",
    "authSource",
    "compressors",
    "connectTimeoutMS",
    "directConnection",
    "heartbeatFrequencyMS",
    "journal",
    "loadBalanced",
    "localThresholdMS",
    "maxAdaptiveRetries",
    "maxConnecting",
    "maxIdleTimeMS",
    "maxPoolSize",
    "maxStalenessSeconds",
    "minPoolSize",
    "proxyHost",
    "proxyPassword",
    "proxyPort",
    "proxyUsername",
    "readConcernLevel",
    "readPreference",
    "readPreferenceTags",
    "replicaSet",
    "retryReads",
    "retryWrites",
    "serverMonitoringMode",
    "serverSelectionTimeoutMS",
    "srvMaxHosts",
    "srvServiceName",
    "ssl",
    "tls",
    "tlsAllowInvalidCertificates",
    "tlsAllowInvalidHostnames",
    "tlsCAFile",
    "tlsCertificateKeyFile",
    "tlsInsecure",
    "uuidRepresentation",
    "w",
    "wTimeoutMS",
    "waitQueueTimeoutMS",
    "zlibCompressionLevel",
];

pub(in crate::session::store) fn open(mut url: StoreUrl) -> Result<Box<dyn Store>, StoreError> {
    let mut options = MongoOptions::default();
    if let Some(collection) = url.take("collection") {
        options.collection = collection;
    }
    options.timeout = url.take_timeout()?;
    options.pool = url.take_pool()?;
    let url = url.into_client_url_with(PARAMETERS)?;
    let bad = |error: Error| StoreError::config(NAME, error.kind.to_string()).with_source(error);
    let mut client = ClientOptions::parse(&url).run().map_err(bad)?;
    if let Some(database) = &client.default_database {
        options.database.clone_from(database);
    }
    // The driver's own is 30 seconds. A little less than a request waits: the driver knows why.
    let wait = options.timeout * 9 / 10;
    client.connect_timeout.get_or_insert(wait);
    let mut refusal = None;
    if client.server_selection_timeout.is_none() {
        client.server_selection_timeout = Some(wait.min(A_LOOK));
        refusal = Some(Refusal::watch(&mut client, wait));
    }
    // Some may be stuck with a server that is silent, and as many others take their place.
    client
        .max_pool_size
        .get_or_insert(options.pool.saturating_mul(2));
    // ANCHOR: journal
    // A server by itself acknowledges what it has in memory only, for a tenth of a second, unless it is
    // asked to have it on the disk first.
    let concern = client
        .write_concern
        .get_or_insert_with(WriteConcern::default);
    if concern.w.is_none() {
        concern.journal.get_or_insert(true);
    }
    // ANCHOR_END: journal
    let client = Client::with_options(client).map_err(bad)?;
    Ok(Box::new(MongoStore::new(&client, options, refusal)?))
}

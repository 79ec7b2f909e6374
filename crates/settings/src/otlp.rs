use std::net::SocketAddr;

use serde::Deserialize;

/// Section `otlp`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OtlpSettings {
    /// Where spans are taken in by gRPC, without TLS; port 0 takes any free one. Default: nowhere, over HTTP alone.
    pub grpc_addr: Option<SocketAddr>,
}

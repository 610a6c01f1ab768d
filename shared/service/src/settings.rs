use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::env::{Env, Noted};
use crate::limits::Limits;
use crate::telemetry::Telemetry;

/// The settings that every service reads from its environment, beside its own.
pub(crate) struct Settings {
    pub(crate) address: SocketAddr,
    pub(crate) limits: Limits,
    pub(crate) telemetry: Telemetry,
    pub(crate) is_paused: bool,
}

impl Settings {
    pub(crate) fn read(env: &mut Env) -> Result<Self, Noted> {
        env.alias("GOOGLE_CLOUD_PROJECT", "GCP_PROJECT_ID");
        let host = env.or("HOST", IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let port = env.or("PORT", 8080);
        let limits = Limits::read(env);
        let telemetry = Telemetry::read(env);
        let is_paused = env.or("PAUSED", false);
        Ok(Self {
            address: SocketAddr::new(host?, port?),
            limits: limits?,
            telemetry: telemetry?,
            is_paused: is_paused?,
        })
    }
}

//! The early network configuration as JSON, for people and scripts.

use anyhow::{Context, Result, ensure};
use bootstore::early::{EarlyNetConfig, Mac, V4, V6};
use bootstore::network_config::BLOB_MAX;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

/// JSON form of [`EarlyNetConfig`] without its generation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EarlyJson {
    /// VLAN id; untagged when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vlan: Option<u16>,
    /// IPv4 addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub v4: Option<V4Json>,
    /// IPv6 addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub v6: Option<V6Json>,
    /// URIs of boot servers.
    #[serde(default)]
    pub servers: Vec<String>,
    /// SHA-256 digests of the trust anchors' SubjectPublicKeyInfo, in hexadecimal.
    #[serde(default)]
    pub anchors: Vec<String>,
    /// Whether boards may use secure zero-touch provisioning.
    #[serde(default)]
    pub sztp: bool,
}

/// JSON form of [`V4`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct V4Json {
    /// Length of the prefix.
    pub prefix_len: u8,
    /// The router.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub router: Option<Ipv4Addr>,
    /// DNS servers.
    #[serde(default)]
    pub dns: Vec<Ipv4Addr>,
    /// Address of each board, by its MAC address such as `02:00:00:00:00:01`.
    pub hosts: BTreeMap<String, Ipv4Addr>,
}

/// JSON form of [`V6`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct V6Json {
    /// Prefix of 64 bits.
    pub prefix: Ipv6Addr,
    /// The router; from router advertisements when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub router: Option<Ipv6Addr>,
    /// DNS servers.
    #[serde(default)]
    pub dns: Vec<Ipv6Addr>,
}

impl EarlyJson {
    /// The configuration in octets, with this generation.
    ///
    /// # Errors
    /// A value is outside its range, or the whole is too long.
    pub fn encode(&self, generation: u64) -> Result<Vec<u8>> {
        let config = self.to_config(generation)?;
        let mut octets = vec![0; BLOB_MAX];
        let len = config.encode(&mut octets).with_context(|| {
            format!(
                "the configuration has a value out of its range, or more than {BLOB_MAX} octets"
            )
        })?;
        octets.truncate(len);
        Ok(octets)
    }

    /// The JSON form of a configuration in octets.
    ///
    /// # Errors
    /// The octets are no early network configuration.
    pub fn decode(octets: &[u8]) -> Result<(u64, Self)> {
        let config = EarlyNetConfig::decode(octets)?;
        let json = Self {
            vlan: config.vlan,
            v4: config.v4.map(|v4| V4Json {
                prefix_len: v4.prefix_len,
                router: v4.router,
                dns: v4.dns.to_vec(),
                hosts: v4
                    .hosts
                    .iter()
                    .map(|(mac, address)| (mac_to_text(mac), *address))
                    .collect(),
            }),
            v6: config.v6.map(|v6| V6Json {
                prefix: v6.prefix,
                router: v6.router,
                dns: v6.dns.to_vec(),
            }),
            servers: config.servers.iter().map(ToString::to_string).collect(),
            anchors: config.anchors.iter().map(|anchor| hex(anchor)).collect(),
            sztp: config.sztp,
        };
        Ok((config.generation, json))
    }

    fn to_config(&self, generation: u64) -> Result<EarlyNetConfig> {
        let mut config = EarlyNetConfig {
            generation,
            vlan: self.vlan,
            sztp: self.sztp,
            ..EarlyNetConfig::default()
        };
        if let Some(v4) = &self.v4 {
            let hosts = v4
                .hosts
                .iter()
                .map(|(mac, address)| Ok((mac_from_text(mac)?, *address)))
                .collect::<Result<Vec<_>>>()?;
            config.v4 = Some(V4 {
                prefix_len: v4.prefix_len,
                router: v4.router,
                dns: bounded(&v4.dns, "IPv4 DNS servers")?,
                hosts: bounded(&hosts, "IPv4 hosts")?,
            });
        }
        if let Some(v6) = &self.v6 {
            config.v6 = Some(V6 {
                prefix: v6.prefix,
                router: v6.router,
                dns: bounded(&v6.dns, "IPv6 DNS servers")?,
            });
        }
        let mut servers = Vec::new();
        for uri in &self.servers {
            let text = uri.as_str().try_into();
            servers.push(text.map_err(|_| anyhow::anyhow!("`{uri}` has more than 255 octets"))?);
        }
        config.servers = bounded(&servers, "servers")?;
        let mut anchors = Vec::new();
        for anchor in &self.anchors {
            let octets = unhex(anchor)?;
            let digest = <[u8; 32]>::try_from(octets);
            anchors.push(digest.map_err(|_| anyhow::anyhow!("`{anchor}` is no SHA-256 digest"))?);
        }
        config.anchors = bounded(&anchors, "anchors")?;
        Ok(config)
    }
}

fn bounded<T: Clone, L: for<'a> TryFrom<&'a [T]>>(items: &[T], what: &str) -> Result<L> {
    L::try_from(items).map_err(|_| anyhow::anyhow!("there are too many {what}"))
}

fn mac_to_text(mac: &Mac) -> String {
    let pairs: Vec<_> = mac.iter().map(|octet| format!("{octet:02x}")).collect();
    pairs.join(":")
}

fn mac_from_text(text: &str) -> Result<Mac> {
    let octets: Option<Vec<u8>> = text
        .split(':')
        .map(|pair| {
            u8::from_str_radix(pair, 16)
                .ok()
                .filter(|_| pair.len() == 2)
        })
        .collect();
    octets
        .and_then(|octets| octets.try_into().ok())
        .with_context(|| format!("`{text}` is no MAC address"))
}

/// Octets in hexadecimal.
pub fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Octets from hexadecimal.
///
/// # Errors
/// The text is no hexadecimal.
pub fn unhex(text: &str) -> Result<Vec<u8>> {
    ensure!(
        text.len().is_multiple_of(2) && text.bytes().all(|digit| digit.is_ascii_hexdigit()),
        "`{text}` is no hexadecimal"
    );
    let digit = |digit: u8| (digit as char).to_digit(16).unwrap_or(0) as u8;
    Ok(text
        .as_bytes()
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |octet, d| octet << 4 | digit(*d)))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_comes_back() {
        let text = r#"{"vlan": 7, "v4": {"prefix_len": 24, "router": "10.0.2.1", "dns": ["10.0.2.3"],
            "hosts": {"02:00:00:00:00:01": "10.0.2.11", "02:00:00:00:00:02": "10.0.2.12"}},
            "v6": {"prefix": "fd00:1::"}, "servers": ["https://images.example/fw/"],
            "anchors": ["0909090909090909090909090909090909090909090909090909090909090909"], "sztp": true}"#;
        let json: EarlyJson = serde_json::from_str(text).unwrap();
        let octets = json.encode(5).unwrap();
        assert_eq!(EarlyJson::decode(&octets).unwrap(), (5, json));
    }

    #[test]
    fn wrong_values_say_so() {
        for (text, says) in [
            (
                r#"{"v4": {"prefix_len": 24, "hosts": {"2:0": "10.0.2.11"}}}"#,
                "no MAC",
            ),
            (r#"{"anchors": ["00"]}"#, "no SHA-256"),
            (r#"{"anchors": ["xy"]}"#, "no hexadecimal"),
            (
                r#"{"servers": ["a", "b", "c", "d", "e"]}"#,
                "too many servers",
            ),
            (r#"{"vlan": 5000}"#, "out of its range"),
        ] {
            let json: EarlyJson = serde_json::from_str(text).unwrap();
            let error = format!("{:#}", json.encode(1).unwrap_err());
            assert!(error.contains(says), "{text}: {error}");
        }
        assert!(serde_json::from_str::<EarlyJson>(r#"{"vlam": 7}"#).is_err());
    }
}

//! Filters that make digests of texts.

use minijinja::{Environment, Error};
use sha1::Digest;

use super::data::wrong;

/// Adds the filters. As in Ansible, `hash` and `checksum` are SHA-1 where nothing else is said.
pub(super) fn add(environment: &mut Environment<'static>) {
    environment.add_filter("hash", hash);
    environment.add_filter("checksum", |text: String| hex::<sha1::Sha1>(&text));
    environment.add_filter("sha1", |text: String| hex::<sha1::Sha1>(&text));
    environment.add_filter("md5", |text: String| hex::<md5::Md5>(&text));
    environment.add_filter("sha256", |text: String| hex::<sha2::Sha256>(&text));
}

fn hash(text: String, algorithm: Option<String>) -> Result<String, Error> {
    Ok(match algorithm.as_deref().unwrap_or("sha1") {
        "md5" => hex::<md5::Md5>(&text),
        "sha1" => hex::<sha1::Sha1>(&text),
        "sha224" => hex::<sha2::Sha224>(&text),
        "sha256" => hex::<sha2::Sha256>(&text),
        "sha384" => hex::<sha2::Sha384>(&text),
        "sha512" => hex::<sha2::Sha512>(&text),
        other => {
            let known = "`md5`, `sha1`, `sha224`, `sha256`, `sha384` and `sha512`";
            return Err(wrong(format!("`hash` knows {known}, not `{other}`")));
        }
    })
}

fn hex<D: Digest>(text: &str) -> String {
    D::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

//! Whom a connection trusts.

use std::path::Path;
use std::sync::Arc;

use oneex_sdk::{OpError, OpResult, io_reason};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio_postgres_rustls::MakeRustlsConnect;

/// Trusts the authorities of the file, or without one those of the system.
///
/// # Errors
///
/// `invalid` where the file cannot be read or holds none; `failed` where the system has none.
pub(super) fn connector(ca_file: Option<&Path>) -> OpResult<MakeRustlsConnect> {
    let failed = |error: rustls::Error| OpError::failed(format!("TLS cannot be set up: {error}"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    let config = match ca_file {
        Some(path) => builder.with_root_certificates(authorities(path)?).with_no_client_auth(),
        None => builder.with_platform_verifier().map_err(failed)?.with_no_client_auth(),
    };
    Ok(MakeRustlsConnect::new(config))
}

fn authorities(path: &Path) -> OpResult<RootCertStore> {
    let shown = path.display();
    let text = std::fs::read(path).map_err(|error| {
        OpError::invalid(format!("the authorities in `{shown}` cannot be read: {}", io_reason(&error)))
    })?;
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let wrong = |why: String| OpError::invalid(format!("`{shown}` holds a damaged certificate: {why}"));
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        store.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    if store.is_empty() {
        return Err(OpError::invalid(format!("`{shown}` holds no certificate")));
    }
    Ok(store)
}

#[cfg(test)]
mod tests {
    use super::connector;

    #[test]
    fn a_file_without_authorities_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("ca.pem");
        let error = |text: Option<&str>| {
            text.iter().for_each(|text| std::fs::write(&file, text).expect("a file"));
            connector(Some(&file))
                .err()
                .expect("no authority")
                .message
                .replace(&file.display().to_string(), "F")
        };
        assert_eq!(error(None), "the authorities in `F` cannot be read: no such file or directory");
        assert_eq!(error(Some("nothing")), "`F` holds no certificate");
        let damaged = error(Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
        assert!(damaged.starts_with("`F` holds a damaged certificate: "), "{damaged}");
    }

    #[test]
    fn the_systems_authorities_are_enough() {
        assert!(connector(None).is_ok());
    }
}

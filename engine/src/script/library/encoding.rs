//! `base64::` and `sha256`.

use rhai::plugin::*;
use rhai::{Blob, ImmutableString};

use super::error::{Fallible, failure};

pub(super) fn register(engine: &mut Engine) {
    engine.register_static_module("base64", exported_module!(base64_functions).into());
    engine.register_global_module(exported_module!(hash_functions).into());
}

fn hex_digest(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn decoded(context: &NativeCallContext, text: &str) -> Fallible<Blob> {
    use ::base64::Engine as _;
    let text: String = text.split_ascii_whitespace().collect();
    let text = text.trim_end_matches('=');
    let decoded = ::base64::engine::general_purpose::STANDARD_NO_PAD.decode(text);
    decoded.map_err(|error| failure(context, format!("not base64: {error}").to_lowercase()))
}

#[export_module]
#[allow(unreachable_pub, reason = "the macro registers public functions only")]
mod base64_functions {
    use ::base64::Engine as _;
    use ::base64::engine::general_purpose::STANDARD;

    /// Encodes a text, as UTF-8, in standard base64 with padding (RFC 4648, section 4).
    ///
    /// ```rhai
    /// base64::encode("hello") == "aGVsbG8="
    /// ```
    #[rhai_fn(name = "encode")]
    pub fn encode(text: &str) -> String {
        STANDARD.encode(text)
    }

    /// Encodes bytes.
    #[rhai_fn(name = "encode")]
    pub fn encode_bytes(bytes: Blob) -> String {
        STANDARD.encode(bytes)
    }

    /// Decodes standard base64 into a text. White space is ignored, padding may be missing; an
    /// error where the bytes are not UTF-8.
    ///
    /// ```rhai
    /// base64::decode("aGVsbG8=") == "hello"
    /// base64::decode("aGVs\nbG8") == "hello"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn decode(context: NativeCallContext, text: &str) -> Fallible<String> {
        let bytes = decoded(&context, text)?;
        let hint = "the bytes are not UTF-8: use `base64::decode_bytes`";
        String::from_utf8(bytes).map_err(|_| failure(&context, hint))
    }

    /// Decodes standard base64 into a blob.
    ///
    /// ```rhai
    /// base64::decode_bytes("/wA=") == blob(1, 0xff) + blob(1, 0)
    /// ```
    #[rhai_fn(return_raw)]
    pub fn decode_bytes(context: NativeCallContext, text: &str) -> Fallible<Blob> {
        decoded(&context, text)
    }
}

#[export_module]
#[allow(unreachable_pub, reason = "the macro registers public functions only")]
mod hash_functions {
    /// The SHA-256 of a text, as UTF-8, in lower-case hexadecimal digits (FIPS 180-4).
    ///
    /// ```rhai
    /// sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    /// ```
    #[rhai_fn(name = "sha256")]
    pub fn sha256_text(text: ImmutableString) -> String {
        hex_digest(text.as_bytes())
    }

    /// The SHA-256 of bytes.
    #[rhai_fn(name = "sha256")]
    pub fn sha256_bytes(bytes: Blob) -> String {
        hex_digest(&bytes)
    }
}

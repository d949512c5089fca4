//! How the library fails: a text with the position of the call, and never a huge result.

use rhai::{EvalAltResult, NativeCallContext};

/// What a function that can fail returns.
pub(super) type Fallible<T> = Result<T, Box<EvalAltResult>>;

/// The longest text that a function makes: 16 MiB.
pub(super) const LONGEST: usize = 16 << 20;

/// The most items that a function makes: 65,536.
pub(super) const MOST: usize = 1 << 16;

/// An error at the place of the call. Rhai (1.27) gives functions in a namespace no position by
/// itself.
pub(super) fn failure(context: &NativeCallContext, message: impl Into<String>) -> Box<EvalAltResult> {
    EvalAltResult::ErrorRuntime(message.into().into(), context.call_position()).into()
}

/// Refuses a text that would be longer than [`LONGEST`].
pub(super) fn bounded(context: &NativeCallContext, length: usize) -> Fallible<()> {
    if length <= LONGEST {
        return Ok(());
    }
    Err(failure(context, format!("the text would be longer than {} MiB", LONGEST >> 20)))
}

/// A number that must not be negative, as a size.
pub(super) fn size(context: &NativeCallContext, name: &str, number: i64) -> Fallible<usize> {
    usize::try_from(number)
        .map_err(|_| failure(context, format!("`{name}` must not be negative, it is {number}")))
}

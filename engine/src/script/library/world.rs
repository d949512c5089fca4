//! The little of the world that the library sees.

/// Through this the library reads files, variables and the clock; who implements it confines paths
/// to the project, records what was read and knows the secrets.
use oneex_sdk::Value;

pub(crate) trait World: Send + Sync {
    /// The bytes of a file of the project. The error is a lower-case fragment that names the file.
    fn read_file(&self, path: &str) -> Result<Vec<u8>, String>;

    /// A variable of the environment; nothing where it is not set or not UTF-8.
    fn variable(&self, name: &str) -> Option<String>;

    /// The time.
    fn now(&self) -> jiff::Timestamp;

    /// Gives what `make` gives; in a run that is resumed, what the call that has this `name` gave before.
    fn draw(&self, name: &str, make: &mut dyn FnMut() -> Result<Value, String>) -> Result<Value, String> {
        let _ = name;
        make()
    }

    /// Makes a secret known, so that it is masked wherever text leaves the program.
    fn register_secret(&self, secret: &str);
}

//! What the load of a script draws: times, random values, variables of the environment.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use oneex_sdk::Value;
use serde_json::json;

/// What a load draws, each with the name of what gave it; and, where a run is resumed, what its first load drew.
#[derive(Debug, Default)]
pub(crate) struct Draws(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    before: VecDeque<Value>,
    made: Vec<Value>,
}

impl Draws {
    /// `before` is what the first load drew.
    pub(crate) fn new(before: Vec<Value>) -> Self {
        Self(Mutex::new(State { before: before.into(), made: Vec::new() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives what `make` gives, or what the first load drew in its place.
    ///
    /// # Errors
    ///
    /// What `make` fails with.
    pub(crate) fn draw(
        &self,
        name: &str,
        make: &mut dyn FnMut() -> Result<Value, String>,
    ) -> Result<Value, String> {
        let before = self.state().before.pop_front();
        let known = before.as_ref().and_then(|drawn| match drawn.as_array().map(Vec::as_slice) {
            Some([drawn, value]) if drawn == name => Some(value.clone()),
            _ => None,
        });
        let value = match known {
            Some(value) => value,
            None => {
                // The script is another one: what follows belongs to something else.
                self.state().before.clear();
                make()?
            }
        };
        self.state().made.push(json!([name, value]));
        Ok(value)
    }

    /// What was drawn so far.
    pub(crate) fn made(&self) -> Vec<Value> {
        self.state().made.clone()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Draws;

    #[test]
    fn a_second_load_draws_what_the_first_did() {
        let draw = |draws: &Draws, name: &str, value: i64| {
            draws.draw(name, &mut || Ok(json!(value))).expect("drawn")
        };
        let first = Draws::default();
        assert_eq!((draw(&first, "a", 1), draw(&first, "b", 2)), (json!(1), json!(2)));
        let again = Draws::new(first.made());
        assert_eq!((draw(&again, "a", 7), draw(&again, "b", 8)), (json!(1), json!(2)));
        assert_eq!(draw(&again, "b", 9), json!(9), "nothing is left");
        assert_eq!(again.made().len(), 3);
        let other = Draws::new(first.made());
        assert_eq!((draw(&other, "b", 7), draw(&other, "b", 8)), (json!(7), json!(8)), "another script");
        assert!(Draws::default().draw("a", &mut || Err("no".to_owned())).is_err());
    }
}

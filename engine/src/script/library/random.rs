//! `random_password` and `uuid`, from the system's own random numbers.

use std::sync::Arc;

use oneex_sdk::nearest;
use rand::TryRngCore as _;
use rand::rngs::OsRng;
use rhai::{Engine, FuncRegistration, Map, NativeCallContext};

use super::World;
use super::error::{Fallible, failure};

const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const DIGITS: &str = "0123456789";
/// Without quotes, backslash, `$` and white space, which configuration files and shells give a
/// meaning to.
const SYMBOLS: &str = "!#%&()*+,-./:;<=>?@[]^_{|}~";

/// What a password is made of.
struct Recipe {
    length: usize,
    /// At least one character of each is taken.
    classes: Vec<Vec<char>>,
}

impl Recipe {
    const LONGEST: i64 = 4096;

    fn new(length: i64, classes: Vec<Vec<char>>) -> Result<Self, String> {
        let classes: Vec<_> = classes.into_iter().filter(|class| !class.is_empty()).collect();
        let least = i64::try_from(classes.len()).unwrap_or(i64::MAX);
        if classes.is_empty() {
            return Err("a password needs characters to be made of".into());
        }
        if length < least || length > Self::LONGEST {
            return Err(format!("`length` must be from {least} to {}, it is {length}", Self::LONGEST));
        }
        Ok(Self { length: usize::try_from(length).unwrap_or_default(), classes })
    }

    fn from_options(options: &Map) -> Result<Self, String> {
        const KNOWN: [&str; 5] = ["length", "upper", "lower", "digits", "symbols"];
        if let Some(wrong) = options.keys().find(|key| !KNOWN.contains(&key.as_str())) {
            let hint =
                nearest(wrong, KNOWN).map(|right| format!("; did you mean `{right}`?")).unwrap_or_default();
            return Err(format!("`random_password` has no option `{wrong}`{hint}"));
        }
        let length = options.get("length").map_or(Ok(32), |length| {
            length
                .as_int()
                .map_err(|_| "the option `length` of `random_password` must be a whole number".to_owned())
        })?;
        let class = |name: &str, all: &str, usual: bool| match options.get(name) {
            None => Ok(if usual { all.chars().collect() } else { Vec::new() }),
            Some(value) if value.is_bool() => {
                Ok(if value.as_bool() == Ok(true) { all.chars().collect() } else { Vec::new() })
            }
            Some(value) if value.is_string() && name == "symbols" => Ok(value.to_string().chars().collect()),
            Some(_) => Err(format!("the option `{name}` of `random_password` must be true or false")),
        };
        let classes = vec![
            class("upper", UPPER, true)?,
            class("lower", LOWER, true)?,
            class("digits", DIGITS, true)?,
            class("symbols", SYMBOLS, false)?,
        ];
        Self::new(length, classes)
    }

    fn make(&self) -> Result<String, String> {
        let all: Vec<char> = self.classes.concat();
        let mut characters = Vec::with_capacity(self.length);
        for class in &self.classes {
            characters.push(class[below(class.len())?]);
        }
        while characters.len() < self.length {
            characters.push(all[below(all.len())?]);
        }
        for index in (1..characters.len()).rev() {
            characters.swap(index, below(index + 1)?);
        }
        Ok(characters.into_iter().collect())
    }
}

/// A number below `bound`, each as likely as any other.
fn below(bound: usize) -> Result<usize, String> {
    let bound = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
    let fair = u64::MAX - u64::MAX % bound;
    loop {
        let number = OsRng.try_next_u64().map_err(no_random_numbers)?;
        if number < fair {
            return Ok(usize::try_from(number % bound).unwrap_or_default());
        }
    }
}

fn no_random_numbers(error: impl std::fmt::Display) -> String {
    format!("the system gives no random numbers: {error}")
}

pub(super) fn register(engine: &mut Engine, world: &Arc<dyn World>) {
    let (secrets, drawing) = (Arc::clone(world), Arc::clone(world));
    let make = move |context: &NativeCallContext, recipe: Result<Recipe, String>| -> Fallible<String> {
        let recipe = recipe.map_err(|message| failure(context, message))?;
        let mut make = || {
            let password = recipe.make()?;
            secrets.register_secret(&password);
            Ok(password.into())
        };
        let drawn =
            secrets.draw("random_password", &mut make).map_err(|message| failure(context, message))?;
        let password = drawn.as_str().unwrap_or_default().to_owned();
        // It may be one that was drawn before.
        secrets.register_secret(&password);
        Ok(password)
    };
    let with_options = make.clone();
    FuncRegistration::new("random_password")
        .with_params_info(["options: Map", "Result<String>"])
        .with_comments([
            "/// A random password, which is a secret from then on. Options: `length` (32), `upper`, `lower`,\n\
             /// `digits` (true), `symbols` (false; true, or the symbols to take). It has at least one character\n\
             /// of each class.\n///",
            "/// ```rhai\n/// random_password(#{ length: 20, symbols: true }).len() == 20\n/// ```",
        ])
        .register_into_engine(engine, move |context: NativeCallContext, options: Map| -> Fallible<String> {
            with_options(&context, Recipe::from_options(&options))
        });
    FuncRegistration::new("random_password")
        .with_params_info(["length: i64", "Result<String>"])
        .with_comments([
            "/// A random password of letters and digits, which is a secret from then on.\n///",
            "/// ```rhai\n/// random_password(24).len() == 24\n/// ```",
        ])
        .register_into_engine(engine, move |context: NativeCallContext, length: i64| -> Fallible<String> {
            let classes = [UPPER, LOWER, DIGITS].map(|class| class.chars().collect()).to_vec();
            make(&context, Recipe::new(length, classes))
        });
    FuncRegistration::new("uuid")
        .with_params_info(["Result<String>"])
        .with_comments([
            "/// A random UUID (RFC 9562, version 4).\n///",
            "/// ```rhai\n/// uuid().len() == 36 && uuid() != uuid()\n/// ```",
        ])
        .register_into_engine(engine, move |context: NativeCallContext| -> Fallible<String> {
            let mut make = || {
                let mut bytes = [0; 16];
                OsRng.try_fill_bytes(&mut bytes).map_err(no_random_numbers)?;
                Ok(uuid::Builder::from_random_bytes(bytes).into_uuid().to_string().into())
            };
            let drawn = drawing.draw("uuid", &mut make).map_err(|message| failure(&context, message))?;
            Ok(drawn.as_str().unwrap_or_default().to_owned())
        });
}

use std::collections::HashMap;
use std::error::Error;
use std::ffi::OsString;
use std::fmt::{self, Display};
use std::str::FromStr;
use std::time::Duration;

/// The environment, read once into types.
///
/// Every mistake is noted and reported together with the others, so that all mistakes of a deployment can be fixed at
/// once. For that, read everything before the first `?`:
///
/// ```
/// # use service::{Env, Noted};
/// struct Config { database_url: String, max_retries: u8 }
///
/// fn read(env: &mut Env) -> Result<Config, Noted> {
///     let database_url = env.required("DATABASE_URL");
///     let max_retries = env.or("MAX_RETRIES", 3);
///     Ok(Config { database_url: database_url?, max_retries: max_retries? })
/// }
/// ```
#[derive(Debug)]
pub struct Env {
    values: HashMap<OsString, OsString>,
    mistakes: Vec<Mistake>,
}

/// A mistake that [`Env`] has noted already, so its holder has nothing left to report.
#[derive(Debug, Clone, Copy)]
pub struct Noted(());

#[derive(Debug, PartialEq, Eq)]
struct Mistake {
    name: &'static str,
    why: String,
}

/// All mistakes in the environment, one on each line.
#[derive(Debug, Default)]
pub struct Mistakes(Vec<Mistake>);

impl Env {
    pub fn process() -> Self {
        Self::from_values(std::env::vars_os())
    }

    pub fn of<const N: usize>(values: [(&str, &str); N]) -> Self {
        Self::from_values(values.map(|(name, value)| (name.into(), value.into())))
    }

    fn from_values(values: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        // An empty value counts as unset, because Compose files, CI systems and `.env` files cannot leave out a
        // variable that they name.
        let values = values.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        Self { values, mistakes: Vec::new() }
    }

    /// Reads the value of `old` if `name` is unset.
    pub fn alias(&mut self, name: &'static str, old: &'static str) {
        if !self.values.contains_key::<OsString>(&name.into())
            && let Some(value) = self.values.get::<OsString>(&old.into()).cloned()
        {
            self.values.insert(name.into(), value);
        }
    }

    pub fn required<T>(&mut self, name: &'static str) -> Result<T, Noted>
    where
        T: FromStr,
        T::Err: Display,
    {
        match self.optional(name)? {
            Some(value) => Ok(value),
            None => Err(self.mistake(name, "is not set")),
        }
    }

    pub fn optional<T>(&mut self, name: &'static str) -> Result<Option<T>, Noted>
    where
        T: FromStr,
        T::Err: Display,
    {
        let Some(value) = self.values.get::<OsString>(&name.into()) else {
            return Ok(None);
        };
        let Some(value) = value.to_str() else {
            return Err(self.mistake(name, "is not UTF-8"));
        };
        // The value itself is never repeated, because it may be a password.
        match value.parse() {
            Ok(value) => Ok(Some(value)),
            Err(why) => Err(self.mistake(name, why)),
        }
    }

    pub fn or<T>(&mut self, name: &'static str, default: T) -> Result<T, Noted>
    where
        T: FromStr,
        T::Err: Display,
    {
        Ok(self.optional(name)?.unwrap_or(default))
    }

    /// Reads a number that must be at least 1.
    pub fn count(&mut self, name: &'static str, default: u32) -> Result<u32, Noted> {
        match self.or(name, default)? {
            0 => Err(self.mistake(name, "must be at least 1")),
            count => Ok(count),
        }
    }

    /// Reads whole seconds, at least one.
    pub fn seconds(&mut self, name: &'static str, default: u64) -> Result<Duration, Noted> {
        self.positive(name, default, "seconds").map(Duration::from_secs)
    }

    /// Reads whole milliseconds, at least one.
    pub fn millis(&mut self, name: &'static str, default: u64) -> Result<Duration, Noted> {
        self.positive(name, default, "milliseconds").map(Duration::from_millis)
    }

    fn positive(&mut self, name: &'static str, default: u64, unit: &str) -> Result<u64, Noted> {
        let Some(value) = self.optional::<String>(name)? else {
            return Ok(default);
        };
        match value.parse() {
            Ok(0) | Err(_) => {
                Err(self.mistake(name, format!("must be a whole number of {unit}, at least 1")))
            }
            Ok(count) => Ok(count),
        }
    }

    /// Notes a mistake by the caller's own rules, such as one across several variables.
    pub fn mistake(&mut self, name: &'static str, why: impl Display) -> Noted {
        let mistake = Mistake { name, why: why.to_string() };
        // Two readers of one variable find the same mistake, which is reported once.
        if !self.mistakes.contains(&mistake) {
            self.mistakes.push(mistake);
        }
        Noted(())
    }

    pub fn all_told(self) -> Result<(), Mistakes> {
        if self.mistakes.is_empty() { Ok(()) } else { Err(Mistakes(self.mistakes)) }
    }
}

impl Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Mistake { name, why }) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{name}: {why}")?;
        }
        Ok(())
    }
}

impl Error for Mistakes {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_mistake_is_told_at_once_and_by_name() {
        let mut env =
            Env::of([("PORT", "eighty"), ("LEASE_SECONDS", "1.5"), ("EMPTY", ""), ("WORKERS", "0")]);
        let _: Result<u16, _> = env.or("PORT", 8080);
        let _ = env.count("WORKERS", 2);
        let _: Result<String, _> = env.required("DATABASE_URL");
        let _: Result<String, _> = env.required("EMPTY");
        let _ = env.seconds("LEASE_SECONDS", 75);
        env.mistake("HANDLER_LIMIT_SECONDS", "must be below LEASE_SECONDS");
        assert_eq!(
            env.all_told().unwrap_err().to_string(),
            "PORT: invalid digit found in string\n\
             WORKERS: must be at least 1\n\
             DATABASE_URL: is not set\n\
             EMPTY: is not set\n\
             LEASE_SECONDS: must be a whole number of seconds, at least 1\n\
             HANDLER_LIMIT_SECONDS: must be below LEASE_SECONDS"
        );
    }

    #[test]
    fn a_mistake_that_two_readers_find_is_told_once() {
        let mut env = Env::of([("PORT", "eighty")]);
        let _: Result<u16, _> = env.or("PORT", 8080);
        let _: Result<u16, _> = env.required("PORT");
        assert_eq!(env.all_told().unwrap_err().to_string(), "PORT: invalid digit found in string");
    }

    #[test]
    fn a_secret_is_not_repeated() {
        let mut env = Env::of([("KEY", "hunter2")]);
        let _: Result<u64, _> = env.required("KEY");
        assert!(!env.all_told().unwrap_err().to_string().contains("hunter2"));
    }

    #[test]
    fn an_old_name_is_read_only_where_the_new_one_is_unset() {
        let mut env = Env::of([("OLD", "old"), ("NEW_A", "new"), ("NEW_B", "")]);
        env.alias("NEW_A", "OLD");
        env.alias("NEW_B", "OLD");
        env.alias("NEW_C", "MISSING");
        assert_eq!(env.required::<String>("NEW_A").unwrap(), "new");
        assert_eq!(env.required::<String>("NEW_B").unwrap(), "old");
        assert_eq!(env.optional::<String>("NEW_C").unwrap(), None);
        env.all_told().unwrap();
    }

    #[test]
    fn times_are_whole_and_positive() {
        let mut env = Env::of([("A_SECONDS", "7"), ("B_MILLIS", "0")]);
        assert_eq!(env.seconds("A_SECONDS", 1).unwrap(), Duration::from_secs(7));
        assert_eq!(env.millis("UNSET_MILLIS", 250).unwrap(), Duration::from_millis(250));
        assert!(env.millis("B_MILLIS", 1).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_not_utf_8_is_a_mistake() {
        use std::os::unix::ffi::OsStringExt;
        let mut env = Env::from_values([(OsString::from("NAME"), OsString::from_vec(vec![0xff, 0xfe]))]);
        assert!(env.optional::<String>("NAME").is_err());
        assert_eq!(env.all_told().unwrap_err().to_string(), "NAME: is not UTF-8");
    }
}

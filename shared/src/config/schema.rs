//! The JSON Schema of the file, for editors.

use serde_json::Value;

use super::Config;

/// The JSON Schema of `forester.yaml`.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(Config).to_value();
    if let Value::Object(entries) = &mut schema {
        entries.insert("title".to_owned(), "forester.yaml".into());
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_the_root(name: &str) -> String {
        std::fs::read_to_string(format!("{}/../{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    #[test]
    fn schema_in_the_repository_is_current() {
        let checked_in: Value = serde_json::from_str(&at_the_root("forester.schema.json")).unwrap();
        assert_eq!(checked_in, schema(), "write it anew: forester schema > forester.schema.json");
    }

    #[test]
    fn example_has_no_problem() {
        let example = at_the_root("forester.example.yaml");
        assert_eq!(Config::parse(&example, "forester.example.yaml").map_err(|e| e.to_string()).err(), None);
    }
}

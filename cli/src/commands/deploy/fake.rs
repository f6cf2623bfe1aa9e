//! An account that answers what a test says, and remembers what it was asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use forester::aws::{Call, CallError, ErrorClass, Scope};
use serde_json::{Value, json};

/// What is answered, by operation; whatever is not named is answered with nothing.
#[derive(Clone, Default)]
pub struct Answers {
    told: BTreeMap<String, Vec<Value>>,
    refused: BTreeMap<String, (ErrorClass, String)>,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Answers {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more, in place of what the operation had.
    pub fn with(mut self, operation: &str, answer: Value) -> Self {
        self.told.insert(operation.to_owned(), vec![answer]);
        self
    }

    /// What the operation answers after that, from then on.
    pub fn then(mut self, operation: &str, answer: Value) -> Self {
        self.told.entry(operation.to_owned()).or_default().push(answer);
        self
    }

    /// One more operation that is refused with this class and code.
    pub fn refusing(mut self, operation: &str, class: ErrorClass, code: &str) -> Self {
        self.refused.insert(operation.to_owned(), (class, code.to_owned()));
        self
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<(String, Value)> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl Call for Answers {
    async fn call(&self, service: &str, operation: &str, params: Value) -> Result<Value, CallError> {
        let before = self.asked().iter().filter(|(asked, _)| asked == operation).count();
        self.asked.lock().unwrap().push((operation.to_owned(), params));
        match self.refused.get(operation) {
            Some((class, code)) => Err(CallError {
                class: *class,
                service: service.to_owned(),
                operation: operation.to_owned(),
                account: "111122223333".parse().unwrap(),
                region: "us-east-1".parse().unwrap(),
                code: Some(code.clone()),
                message: "refused".to_owned(),
                request_id: None,
            }),
            None => {
                let told = self.told.get(operation).and_then(|told| told.get(before).or(told.last()));
                Ok(told.cloned().unwrap_or(json!({})))
            }
        }
    }

    async fn pages(&self, service: &str, operation: &str, params: Value) -> Result<Vec<Value>, CallError> {
        let answer = self.call(service, operation, params).await?;
        let lists = answer.as_object().into_iter().flat_map(|answer| answer.values());
        Ok(lists.filter_map(Value::as_array).flatten().cloned().collect())
    }
}

/// A scope on that account.
pub fn scope(answers: Answers) -> Scope {
    Scope::new("111122223333".parse().unwrap(), "us-east-1".parse().unwrap(), Arc::new(answers))
}

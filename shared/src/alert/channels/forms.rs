//! The forms that vendors document, as checks: what is no such document panics and says where.

use serde_json::Value;

/// How long a text is, as JavaScript counts.
fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no text `{name}` in {value}"))
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().unwrap_or_else(|| panic!("no list `{name}` in {value}"))
}

fn only(value: &Value, names: &[&str]) {
    let members = value.as_object().unwrap_or_else(|| panic!("no object: {value}"));
    for name in members.keys() {
        assert!(names.contains(&name.as_str()), "`{name}` has no place in {value}");
    }
}

/// <https://docs.slack.dev/reference/block-kit/blocks>
pub fn block_kit(message: &Value) {
    assert!(units(text(message, "text")) <= 4_000, "the text is too long");
    assert_eq!(
        (&message["unfurl_links"], &message["unfurl_media"], &message["mrkdwn"]),
        (&false.into(), &false.into(), &false.into())
    );
    let blocks = list(message, "blocks");
    assert!((1..=50).contains(&blocks.len()), "{} blocks", blocks.len());
    let total: usize = blocks.iter().map(block).sum();
    assert!(total <= 13_000, "{total} characters in all blocks");
}

fn block(block: &Value) -> usize {
    match text(block, "type") {
        "header" => {
            only(block, &["type", "text"]);
            plain_text(&block["text"], 150)
        }
        "context" => {
            only(block, &["type", "elements"]);
            assert!((1..=10).contains(&list(block, "elements").len()));
            list(block, "elements").iter().map(|element| plain_text(element, 2_000)).sum()
        }
        "rich_text" => {
            only(block, &["type", "elements"]);
            assert!(!list(block, "elements").is_empty());
            list(block, "elements").iter().map(rich_text).sum()
        }
        "actions" => {
            only(block, &["type", "elements"]);
            let button = &list(block, "elements")[0];
            only(button, &["type", "action_id", "value", "text"]);
            assert!(text(button, "type") == "button" && units(text(button, "action_id")) <= 255);
            assert!(units(text(button, "value")) <= 2_000);
            plain_text(&button["text"], 75)
        }
        other => panic!("a block of type {other}"),
    }
}

fn plain_text(value: &Value, limit: usize) -> usize {
    only(value, &["type", "text", "emoji"]);
    assert_eq!(text(value, "type"), "plain_text");
    let size = units(text(value, "text"));
    assert!((1..=limit).contains(&size), "{size} characters of {limit}: {value}");
    size
}

fn rich_text(value: &Value) -> usize {
    only(value, &["type", "elements"]);
    assert!(
        ["rich_text_section", "rich_text_quote", "rich_text_preformatted"].contains(&text(value, "type")),
        "{value}"
    );
    assert!(!list(value, "elements").is_empty(), "{value}");
    let run = |run: &Value| {
        let size = units(text(run, "text"));
        assert!(size >= 1, "an empty run");
        match text(run, "type") {
            "text" => {
                only(run, &["type", "text", "style"]);
                size
            }
            "link" => {
                only(run, &["type", "text", "url"]);
                console(text(run, "url"));
                size + units(text(run, "url"))
            }
            other => panic!("a run of type {other}"),
        }
    };
    list(value, "elements").iter().map(run).sum()
}

/// <https://adaptivecards.io/explorer/>, version 1.4, without anything that knows markdown.
pub fn adaptive_card(message: &Value) {
    only(message, &["type", "attachments"]);
    assert_eq!(text(message, "type"), "message");
    let [attachment] = list(message, "attachments") else { panic!("not one attachment") };
    only(attachment, &["contentType", "contentUrl", "content"]);
    assert_eq!(text(attachment, "contentType"), "application/vnd.microsoft.card.adaptive");
    let card = &attachment["content"];
    only(card, &["$schema", "type", "version", "fallbackText", "msteams", "body", "actions"]);
    assert_eq!((text(card, "type"), text(card, "version")), ("AdaptiveCard", "1.4"));
    for block in list(card, "body") {
        only(block, &["type", "spacing", "inlines"]);
        assert_eq!(text(block, "type"), "RichTextBlock");
        assert!(["Small", "Medium"].contains(&text(block, "spacing")));
        assert!(!list(block, "inlines").is_empty());
        for run in list(block, "inlines") {
            only(run, &["type", "text", "weight", "size", "color", "isSubtle", "fontType"]);
            assert_eq!(text(run, "type"), "TextRun");
            assert!(!text(run, "text").contains("{{"), "{run}");
        }
    }
    assert!(list(card, "actions").len() <= 6);
    for action in list(card, "actions") {
        only(action, &["type", "title", "url"]);
        assert_eq!(text(action, "type"), "Action.OpenUrl");
        console(text(action, "url"));
    }
}

/// <https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/>
pub fn document(node: &Value) {
    assert_eq!((text(node, "type"), &node["version"]), ("doc", &1.into()));
    only(node, &["type", "version", "content"]);
    list(node, "content").iter().for_each(|child| adf(child, &["paragraph", "bulletList", "codeBlock"]));
}

fn adf(node: &Value, allowed: &[&str]) {
    let kind = text(node, "type");
    assert!(allowed.contains(&kind), "a {kind} where only {allowed:?} may be");
    let inside: &[&str] = match kind {
        "text" => {
            only(node, &["type", "text", "marks"]);
            assert!(!text(node, "text").is_empty(), "an empty text node");
            for mark in node["marks"].as_array().into_iter().flatten() {
                match text(mark, "type") {
                    "strong" => only(mark, &["type"]),
                    "link" => console(text(&mark["attrs"], "href")),
                    other => panic!("a mark of type {other}"),
                }
            }
            return;
        }
        "bulletList" => &["listItem"],
        "listItem" => &["paragraph"],
        _ => &["text"],
    };
    only(node, &["type", "content"]);
    assert!(!list(node, "content").is_empty() || kind == "paragraph", "an empty {kind}");
    list(node, "content").iter().for_each(|child| adf(child, inside));
}

/// A page of AWS's consoles, and nothing else.
pub fn console(url: &str) {
    let host = url.strip_prefix("https://").and_then(|rest| rest.split('/').next()).unwrap_or_default();
    assert!(
        host == "console.aws.amazon.com"
            || host.ends_with(".console.aws.amazon.com")
            || host == "forester.acme.example",
        "a link to {url}"
    );
}

/// Every text in a document.
pub fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

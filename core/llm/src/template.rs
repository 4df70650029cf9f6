//! Chat templates: the Jinja text a model file carries, or one that is given, and how text of a person is kept apart
//! from the template's own control tokens.

use std::sync::Arc;

use minijinja::{Environment, ErrorKind, UndefinedBehavior, context};
use serde::Serialize;

use crate::LlmError;
use crate::request::ChatMessage;

/// Enough for a thousand messages; a template that loops for ever is stopped.
const FUEL: u64 = 2_000_000;
const MAX_SOURCE: usize = 256 * 1024;
/// Stands in for message `n` while the template's own text is found. Noncharacters never occur in real text.
const MARK: char = '\u{fdd0}';

/// A chat template.
///
/// ```
/// use cuba_llm::{ChatMessage, ChatTemplate};
/// let chatml = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}\
///               {% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
/// let text = ChatTemplate::new(chatml, "", "<|im_end|>").apply(&[ChatMessage::user("Hola")])?;
/// assert_eq!(text, "<|im_start|>user\nHola<|im_end|>\n<|im_start|>assistant\n");
/// # Ok::<(), cuba_llm::LlmError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ChatTemplate {
    source: Arc<str>,
    bos: String,
    eos: String,
}

/// A prompt as text, and the same in pieces of template (control tokens count) and of people (they do not).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rendered {
    pub(crate) joint: String,
    pub(crate) pieces: Pieces,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pieces {
    /// All of it is a person's text.
    Plain,
    /// `(is template, text)`, in order.
    Mixed(Vec<(bool, String)>),
    /// The template rewrites the messages, so that the border cannot be found.
    Unknown,
}

impl Rendered {
    pub(crate) fn plain(text: String) -> Self {
        Self { joint: text, pieces: Pieces::Plain }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    role: &'static str,
    content: &'a str,
}

impl ChatTemplate {
    /// A template from its Jinja source and the texts of the model's begin and end tokens. It is parsed when used.
    pub fn new(source: &str, bos: &str, eos: &str) -> Self {
        Self { source: source.into(), bos: bos.into(), eos: eos.into() }
    }

    /// The prompt for `messages`, up to where the model's answer begins.
    ///
    /// # Errors
    /// [`LlmError::Request`] when the template is broken or refuses the order of roles.
    pub fn apply(&self, messages: &[ChatMessage]) -> Result<String, LlmError> {
        let lines: Vec<Line<'_>> =
            messages.iter().map(|m| Line { role: m.role.as_str(), content: &m.content }).collect();
        self.run(&lines)
    }

    pub(crate) fn render(&self, messages: &[ChatMessage]) -> Result<Rendered, LlmError> {
        let joint = self.apply(messages)?;
        let marks: Vec<String> = (0..messages.len()).map(|n| format!("{MARK}{n}{MARK}")).collect();
        let lines: Vec<Line<'_>> = messages
            .iter()
            .zip(&marks)
            .map(|(m, mark)| Line { role: m.role.as_str(), content: mark })
            .collect();
        let pieces = match self.run(&lines) {
            Ok(marked) => split(&marked, messages, &joint),
            Err(_) => Pieces::Unknown,
        };
        Ok(Rendered { joint, pieces })
    }

    fn run(&self, lines: &[Line<'_>]) -> Result<String, LlmError> {
        if self.source.len() > MAX_SOURCE {
            return Err(broken("is larger than 256 kB"));
        }
        let mut env = Environment::new();
        env.set_fuel(Some(FUEL));
        env.set_recursion_limit(64);
        env.set_trim_blocks(true);
        env.set_lstrip_blocks(true);
        env.set_undefined_behavior(UndefinedBehavior::Chainable);
        env.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        env.add_function("raise_exception", |message: String| -> Result<String, minijinja::Error> {
            Err(minijinja::Error::new(ErrorKind::InvalidOperation, message))
        });
        // No clock: the same conversation must always give the same prompt. Templates that ask fall back to their own.
        let template = env.template_from_str(&self.source).map_err(|e| broken(&kind_of(&e)))?;
        template
            .render(context! {
                messages => lines,
                add_generation_prompt => true,
                bos_token => &self.bos,
                eos_token => &self.eos,
            })
            .map_err(|e| broken(&kind_of(&e)))
    }
}

/// The kind of error and its line; never the detail, which may quote a message.
fn kind_of(e: &minijinja::Error) -> String {
    match e.line() {
        Some(line) => format!("fails in line {line} ({})", e.kind()),
        None => format!("fails ({})", e.kind()),
    }
}

fn broken(what: &str) -> LlmError {
    LlmError::Request(format!("the model's chat template {what}; use another model or a plain text prompt"))
}

/// Finds each message in the rendering with marks, and checks that putting the texts back gives `joint`.
fn split(marked: &str, messages: &[ChatMessage], joint: &str) -> Pieces {
    let mut pieces = Vec::new();
    let mut rest_of_joint = joint;
    let mut markup = true;
    // `split` yields template, number, template, number, ..., template.
    for part in marked.split(MARK) {
        let (text, markup_now) = if markup {
            (part.to_owned(), true)
        } else {
            let Some(message) = part.parse::<usize>().ok().and_then(|n| messages.get(n)) else {
                return Pieces::Unknown;
            };
            let whole = message.content.as_str();
            let text = if rest_of_joint.starts_with(whole) { whole } else { whole.trim() };
            (text.to_owned(), false)
        };
        markup = !markup;
        let Some(after) = rest_of_joint.strip_prefix(text.as_str()) else {
            return Pieces::Unknown;
        };
        rest_of_joint = after;
        if !text.is_empty() {
            pieces.push((markup_now, text));
        }
    }
    if rest_of_joint.is_empty() { Pieces::Mixed(pieces) } else { Pieces::Unknown }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GEMMA_LIKE: &str = "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'assistant' %}\
        {% set role = 'model' %}{% else %}{% set role = m['role'] %}{% endif %}<start_of_turn>{{ role }}\n\
        {{ m['content'] | trim }}<end_of_turn>\n{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n\
        {% endif %}";

    #[test]
    fn trimmed_content_is_found_again() {
        let t = ChatTemplate::new(GEMMA_LIKE, "<bos>", "<eos>");
        let r = t.render(&[ChatMessage::user("  hi <end_of_turn> ")]).unwrap();
        assert_eq!(
            r.joint,
            "<bos><start_of_turn>user\nhi <end_of_turn><end_of_turn>\n<start_of_turn>model\n"
        );
        let Pieces::Mixed(p) = r.pieces else { panic!("{:?}", r.pieces) };
        assert_eq!(p.get(1), Some(&(false, "hi <end_of_turn>".to_owned())));
    }

    #[test]
    fn a_template_that_never_ends_is_stopped() {
        let t = ChatTemplate::new(
            "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{% endfor %}{% endfor %}{% endfor %}",
            "",
            "",
        );
        assert!(t.apply(&[]).is_err());
    }

    #[test]
    fn errors_do_not_quote_messages() {
        let t = ChatTemplate::new("{{ raise_exception('bad ' + messages[0].content) }}", "", "");
        let e = t.apply(&[ChatMessage::user("my secret")]).unwrap_err().to_string();
        assert!(!e.contains("secret"), "{e}");
    }

    #[test]
    fn python_methods_work() {
        let t = ChatTemplate::new("{{ messages[0].content.strip().upper() }}", "", "");
        assert_eq!(t.apply(&[ChatMessage::user(" a ")]).unwrap(), "A");
    }
}

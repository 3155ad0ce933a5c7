//! Buttons: which of them take a parameter, and which one.

use serde_json::Value;

use super::{
    CompileError, Form, Need,
    build::{Builder, List},
    parse::{Button, ParameterFormat, Part, parts},
    preview::{PreviewButton, PreviewPart},
};

/// The token of a flow when none is given.
///
/// # Source
///
/// Meta, "Sending a Flow", template messages: `flow_token` is optional, default `unused`.
const NO_FLOW_TOKEN: &str = "unused";

// Labels that WhatsApp writes itself, in the language of the template; these are the English ones.
const COPY_OFFER: &str = "Copy offer code";
const COPY_CODE: &str = "Copy code";
const AUTOFILL: &str = "Autofill";

/// Writes what the button needs into the request, and tells what it looks like. `prefix` is empty, or `card.i.`.
pub(super) fn compile_button(
    builder: &mut Builder,
    list: &mut List,
    index: usize,
    button: &Button,
    prefix: &str,
) -> Result<PreviewButton, CompileError> {
    let mut kind = button.kind.to_ascii_uppercase();
    let name = |variable: &str| format!("{prefix}button.{index}.{variable}");
    let mut label = button.text.clone().unwrap_or_default();
    let mut target = Vec::new();
    match kind.as_str() {
        "URL" | "OTP" if button.is_one_time_code() => {
            let variable = builder.variable("1", Form::Code, Need::Required);
            open(builder, list, "url", index);
            builder.json(r#","parameters":["#);
            builder.text_parameter(None, variable);
            builder.json("]}");
            if label.is_empty() {
                let one_tap = button.otp_type.as_deref().is_some_and(|word| word.eq_ignore_ascii_case("ONE_TAP"));
                if one_tap { AUTOFILL } else { COPY_CODE }.clone_into(&mut label);
            }
            target = vec![PreviewPart::Variable(variable)];
            "OTP".clone_into(&mut kind);
        }
        "URL" => target = compile_link(builder, list, index, button, prefix)?,
        "COPY_CODE" => {
            let variable = builder.variable(&name("1"), Form::Code, Need::Required);
            open(builder, list, "copy_code", index);
            builder.json(r#","parameters":[{"type":"coupon_code","coupon_code":""#);
            builder.value(variable);
            builder.json("\"}]}");
            if label.is_empty() {
                COPY_OFFER.clone_into(&mut label);
            }
            target = vec![PreviewPart::Variable(variable)];
        }
        "PHONE_NUMBER" => target = button.phone_number.iter().cloned().map(PreviewPart::Literal).collect(),
        "FLOW" => {
            let variable = builder.variable(&name("flow_token"), Form::Token, Need::Optional);
            open(builder, list, "flow", index);
            builder.json(r#","parameters":[{"type":"action","action":{"flow_token":""#);
            builder.value_or(variable, NO_FLOW_TOKEN);
            builder.json("\"}}]}");
            target = flow_of(button).into_iter().map(PreviewPart::Literal).collect();
        }
        "CATALOG" => {
            let variable = builder.variable(&name("thumbnail_product_retailer_id"), Form::Product, Need::Optional);
            open(builder, list, "catalog", index);
            // Without parameters the picture is that of the catalog's first product.
            let before = r#","parameters":[{"type":"action","action":{"thumbnail_product_retailer_id":""#;
            builder.if_given(variable, before, "\"}}]");
            builder.json("}");
            target = vec![PreviewPart::Variable(variable)];
        }
        "MPM" => target = compile_products(builder, list, index, prefix),
        // A tap on a quick reply comes back with its label as payload when we send none.
        "QUICK_REPLY" | "VOICE_CALL" | "CALL_PERMISSION_REQUEST" | "REQUEST_CONTACT_INFO" | "SPM" => {}
        other => return Err(CompileError::Unsupported(format!("a button of type {other}"))),
    }
    Ok(PreviewButton { kind, label, target })
}

fn open(builder: &mut Builder, list: &mut List, sub_type: &str, index: usize) {
    list.item(builder);
    builder.json(&format!(r#"{{"type":"button","sub_type":"{sub_type}","index":"{index}""#));
}

fn compile_link(
    builder: &mut Builder,
    list: &mut List,
    index: usize,
    button: &Button,
    prefix: &str,
) -> Result<Vec<PreviewPart>, CompileError> {
    // A link has no names, whatever the template's format.
    let link = parts(button.url.as_deref().unwrap_or_default(), ParameterFormat::Positional)?;
    let prefix = format!("{prefix}button.{index}.");
    match link.iter().filter(|part| matches!(part, Part::Placeholder(_))).count() {
        0 => {}
        1 if link.last() == Some(&Part::Placeholder("1".to_owned())) => {
            let variable = builder.variable(&format!("{prefix}1"), Form::UrlSuffix, Need::Required);
            open(builder, list, "url", index);
            builder.json(r#","parameters":["#);
            builder.text_parameter(None, variable);
            builder.json("]}");
        }
        _ => return Err(CompileError::ButtonLink { index }),
    }
    Ok(builder.preview(&link, &prefix))
}

/// One section of products, and the product whose picture stands above the message.
fn compile_products(builder: &mut Builder, list: &mut List, index: usize, prefix: &str) -> Vec<PreviewPart> {
    let mut variable = |name: &str, form| builder.variable(&format!("{prefix}button.{index}.{name}"), form, Need::Required);
    let thumbnail = variable("thumbnail_product_retailer_id", Form::Product);
    let title = variable("section_title", Form::SectionTitle);
    let products = variable("product_retailer_ids", Form::Products);
    open(builder, list, "mpm", index);
    builder.json(r#","parameters":[{"type":"action","action":{"thumbnail_product_retailer_id":""#);
    builder.value(thumbnail);
    builder.json(r#"","sections":[{"title":""#);
    builder.value(title);
    builder.json(r#"","product_items":["#);
    // The renderer writes one object for each product.
    builder.value(products);
    builder.json("]}]}}]}");
    vec![PreviewPart::Variable(products)]
}

/// Which flow opens: its id, as text or number, or its name.
fn flow_of(button: &Button) -> Option<String> {
    [&button.flow_id, &button.flow_name].into_iter().find_map(|value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

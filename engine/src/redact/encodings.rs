//! The forms in which a secret comes back.

use std::collections::BTreeSet;

use super::view::View;

mod binary;
mod quoted;
mod web;

/// Shorter texts are not looked for: they would blank out half of every line.
pub(super) const SHORTEST: usize = 3;
/// The shortest line of a secret of several lines that is looked for by itself.
const LINE: usize = 8;
/// The shortest text that is looked for where lines may break in it.
const FOLDED: usize = 8;
/// Of longer secrets only the text itself and its base64 are looked for, whole and by lines.
const LONGEST: usize = 64 << 10;

/// The forms of a secret to look for in one view of a text.
pub(super) type Forms = BTreeSet<Vec<u8>>;

/// All forms of a secret, for each view in the order of [`View::ALL`]; none of a secret that is too short.
pub(super) fn forms(secret: &str) -> [Forms; View::ALL.len()] {
    let [mut plain, mut unbroken, mut folded] = [Vec::new(), Vec::new(), Vec::new()];
    if secret.trim().len() < SHORTEST {
        return [Forms::new(), Forms::new(), Forms::new()];
    }
    add(secret, &mut plain, &mut unbroken);
    plain.push(secret.trim().to_owned());
    // A key of several lines is shown line by line. What marks its begin and its end is no secret.
    let lines = secret.lines().map(str::trim);
    for line in lines.filter(|line| (LINE..secret.len()).contains(&line.len()) && !line.starts_with("-----"))
    {
        match secret.len() <= LONGEST {
            true => plain.extend(texts(line)),
            false => plain.push(line.to_owned()),
        }
    }
    folded.push(secret.to_owned());
    if secret.len() <= LONGEST {
        // `od` puts a space between two bytes.
        folded.extend(binary::hexadecimal(secret));
    }
    [(plain, SHORTEST), (unbroken, SHORTEST + 1), (folded, FOLDED)]
        .into_iter()
        .zip(View::ALL)
        .map(|((forms, shortest), view)| {
            let seen = forms.into_iter().map(|form| view.of(form.as_bytes()));
            seen.filter(|form| form.len() >= shortest).collect()
        })
        .collect::<Vec<Forms>>()
        .try_into()
        .unwrap_or_default()
}

fn add(secret: &str, plain: &mut Vec<String>, unbroken: &mut Vec<String>) {
    let once = binary::base64(secret.as_bytes());
    if secret.len() > LONGEST {
        plain.push(secret.to_owned());
        return unbroken.extend(once);
    }
    // A Docker configuration in a secret of Kubernetes is such a thing: base64 in base64.
    unbroken.extend(once.iter().flat_map(|form| binary::base64(form.as_bytes())));
    unbroken.extend(once);
    unbroken.extend(binary::hexadecimal(secret));
    unbroken.extend(binary::bytes(secret));
    let texts = texts(secret);
    let others = texts.iter().filter(|text| *text != secret);
    unbroken.extend(others.flat_map(|text| binary::base64(text.as_bytes())));
    plain.extend(texts);
}

/// A text as programs print it.
fn texts(secret: &str) -> BTreeSet<String> {
    let mut forms = vec![secret.to_owned()];
    web::percent(secret, &mut forms);
    web::entities(secret, &mut forms);
    quoted::json(secret, &mut forms);
    quoted::languages(secret, &mut forms);
    quoted::shell(secret, &mut forms);
    // What was quoted is often put into JSON, and JSON as well.
    let twice: Vec<String> = forms.iter().filter_map(|form| quoted::plain_json(form)).collect();
    forms.into_iter().chain(twice).collect()
}

#[cfg(test)]
mod tests;

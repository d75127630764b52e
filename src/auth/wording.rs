//! What each letter says.

use std::time::Duration;

use crate::domain::{Email, User};
use crate::mail::Words;

/// Where links lead. The value stands behind the `#`, which browsers tell no server.
pub(super) fn link(page: &str, action: &str, value: &str) -> String {
    format!("{}/app/#/{action}/{value}", page.trim_end_matches('/'))
}

fn to(user: &User, subject: &str) -> Words {
    Words::new(subject).line(format!("Hello {},", user.username.as_str()))
}

fn for_how_long(life: Duration) -> String {
    let minutes = life.as_secs().div_ceil(60);
    let life = match minutes {
        1 => "a minute".to_owned(),
        2..120 => format!("{minutes} minutes"),
        minutes => format!("{} hours", minutes / 60),
    };
    format!("The link works once, within {life}.")
}

pub(super) fn verify_email(user: &User, page: &str, value: &str, life: Duration) -> Words {
    to(user, "Confirm your e-mail address")
        .line(
            "please confirm that this address is yours. Until then you can read public rooms, and not write.",
        )
        .link("Confirm the address", link(page, "verify-email", value))
        .line(for_how_long(life))
        .line("If you did not register, somebody mistyped an address: leave this mail alone.")
}

pub(super) fn reset_password(user: &User, page: &str, value: &str, life: Duration) -> Words {
    to(user, "Choose a new password")
        .line("somebody asked for a new password for your account.")
        .link("Choose a new password", link(page, "reset-password", value))
        .line(for_how_long(life))
        .line("If it was not you, leave this mail alone: the password stays as it is.")
}

pub(super) fn password_changed(user: &User, page: &str) -> Words {
    to(user, "Your password was changed")
        .line("the password of your account was changed, and its other logins were ended.")
        .line("If it was not you, choose a new password at once:")
        .link("Forgot password", link(page, "forgot-password", ""))
}

pub(super) fn confirm_old_email(user: &User, new: &Email, page: &str, value: &str, life: Duration) -> Words {
    to(user, "Confirm another e-mail address")
        .line(format!("you asked that mail for your account goes to {} from now on.", new.as_str()))
        .link("Yes, change the address", link(page, "confirm-email", value))
        .line(for_how_long(life))
        .line("The new address has to agree, too.")
        .line("If it was not you, somebody knows your password: leave this link alone, and change the password.")
}

pub(super) fn confirm_new_email(user: &User, page: &str, value: &str, life: Duration) -> Words {
    to(user, "Confirm your new e-mail address")
        .line("please confirm that this address is yours, and that mail for your account shall go here.")
        .link("Yes, this is my address", link(page, "confirm-email", value))
        .line(for_how_long(life))
        .line("If you have no account here, somebody mistyped an address: leave this mail alone.")
}

pub(super) fn email_changed(user: &User) -> Words {
    to(user, "Your e-mail address was changed")
        .line("mail for your account goes to another address from now on. Both addresses agreed to it.")
        .line("If it was not you, tell whoever runs this server.")
}

pub(super) fn second_factor_set(user: &User, page: &str) -> Words {
    to(user, "A second factor was switched on")
        .line("from now on signing in to your account asks for a code beside the password. Logins that live go on.")
        .line("If it was not you, somebody knows your password: choose a new one at once, and tell whoever runs this server.")
        .link("Forgot password", link(page, "forgot-password", ""))
}

pub(super) fn second_factor_removed(user: &User, page: &str) -> Words {
    to(user, "The second factor was switched off")
        .line("from now on the password alone is enough to sign in to your account. The recovery codes are worthless.")
        .line("If it was not you, somebody knows your password and had a code: choose a new password at once.")
        .link("Forgot password", link(page, "forgot-password", ""))
}

pub(super) fn recovery_codes_renewed(user: &User, page: &str) -> Words {
    to(user, "Your recovery codes were made anew")
        .line("your account has other recovery codes; those before are worthless.")
        .line(
            "If it was not you, somebody knows your password and had a code: choose a new password at once.",
        )
        .link("Forgot password", link(page, "forgot-password", ""))
}

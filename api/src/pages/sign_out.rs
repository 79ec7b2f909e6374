use actix_web::{HttpResponse, web};

use super::answer::see_other;
use super::failure::Failure;
use super::form::Form;
use super::visitor::{self, Visitor};
use crate::Api;

pub(super) async fn sign_out(
    visitor: Visitor,
    api: web::Data<Api>,
    _form: Form,
) -> Result<HttpResponse, Failure> {
    visitor.sign_out(&api).await?;
    Ok(see_other("/sign-in").insert_header(visitor::forget(&api)?).finish())
}

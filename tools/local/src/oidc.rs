#[derive(clap::Args)]
pub struct Args {}

pub async fn serve(_args: Args) -> Result<(), crate::Error> {
    Err("not built yet".into())
}

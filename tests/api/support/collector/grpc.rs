//! OTLP over gRPC.

use opentelemetry_proto::tonic::collector::logs::v1 as logs;
use opentelemetry_proto::tonic::collector::metrics::v1 as metrics;
use opentelemetry_proto::tonic::collector::trace::v1 as trace;
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use super::store::Store;

pub(super) async fn serve(listener: TcpListener, store: Store) {
    Server::builder()
        .add_service(trace::trace_service_server::TraceServiceServer::new(store.clone()))
        .add_service(metrics::metrics_service_server::MetricsServiceServer::new(store.clone()))
        .add_service(logs::logs_service_server::LogsServiceServer::new(store))
        .serve_with_incoming(TcpIncoming::from(listener))
        .await
        .unwrap();
}

#[tonic::async_trait]
impl trace::trace_service_server::TraceService for Store {
    async fn export(
        &self,
        request: tonic::Request<trace::ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<trace::ExportTraceServiceResponse>, tonic::Status> {
        let (metadata, _, request) = request.into_parts();
        self.add_spans(metadata.into_headers(), request);
        Ok(tonic::Response::new(trace::ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl metrics::metrics_service_server::MetricsService for Store {
    async fn export(
        &self,
        request: tonic::Request<metrics::ExportMetricsServiceRequest>,
    ) -> Result<tonic::Response<metrics::ExportMetricsServiceResponse>, tonic::Status> {
        let (metadata, _, request) = request.into_parts();
        self.add_metrics(metadata.into_headers(), request);
        Ok(tonic::Response::new(metrics::ExportMetricsServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl logs::logs_service_server::LogsService for Store {
    async fn export(
        &self,
        request: tonic::Request<logs::ExportLogsServiceRequest>,
    ) -> Result<tonic::Response<logs::ExportLogsServiceResponse>, tonic::Status> {
        let (metadata, _, request) = request.into_parts();
        self.add_logs(metadata.into_headers(), request);
        Ok(tonic::Response::new(logs::ExportLogsServiceResponse::default()))
    }
}

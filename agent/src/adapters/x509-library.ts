import 'reflect-metadata';

/** What of the library makes a request for a certificate. Imported on its own, so that the bundle keeps it apart. */
export { PemConverter, Pkcs10CertificateRequestGenerator } from '@peculiar/x509';

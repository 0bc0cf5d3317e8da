window.__grafana_public_path__ = '/public/';
window.grafanaBootData = { settings: { buildInfo: { version: '13.2.2', commit: '', env: 'production' }, featureToggles: {}, datasources: {}, panels: {}, apps: {}, appSubUrl: '', bootData: {} }, user: { orgRole: 'Admin', isSignedIn: true, timezone: 'utc', theme: 'dark', permissions: {}, language: 'en-US', regionalFormat: 'en-US' }, navTree: [] };

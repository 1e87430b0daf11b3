export const STATUS_PAGE_POLICY = "default-src 'none'";
export const STATUS_PAGE = '<!doctype html><title>XPScerpto Sidecar</title>';

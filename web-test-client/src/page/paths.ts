/** Every address of the page. Notifications link to them: `/media/…#comment-…`, and mails: `/reset-password#token=…`. */
export const PATHS = {
  library: '/',
  signIn: '/sign-in',
  signUp: '/sign-up',
  forgotPassword: '/forgot-password',
  resetPassword: '/reset-password',
  verifyEmail: '/verify-email',
  account: '/account',
  /** Where notifications of new devices lead to: the same page. */
  sessions: '/sessions',
  upload: '/upload',
  media: '/media/:id',
  profile: '/users/:id',
  notifications: '/notifications',
  frames: '/frames',
  people: '/people',
  audit: '/audit',
} as const;

export type PathName = keyof typeof PATHS;

export const mediaPath = (id: string) => PATHS.media.replace(':id', encodeURIComponent(id));
export const profilePath = (id: string) => PATHS.profile.replace(':id', encodeURIComponent(id));

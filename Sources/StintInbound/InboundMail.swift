// Mails that services post.

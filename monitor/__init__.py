"""implant-monitor: post-operative monitoring of dental implants over SMS."""
